/**
 * Sends buffers that carry their time of sending, over a flow or one of its peers: at a rate, or as
 * fast as they go.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect } from 'mirrorflow';
import { answerQuestions, settingsOf, turn } from './answering.js';
import { writeStamp } from './stamp.js';

export interface LatencySettings {
  readonly transport: 'flow' | 'sockets' | 'zeromq';
  /** Application and flow, or the path of a socket. */
  readonly app: string;
  readonly flow: string;
  readonly path: string;
  readonly size: number;
  readonly buffers: number;
  /** Milliseconds between two buffers; 0 is saturation. */
  readonly intervalMs: number;
  /** How a flow is read; peers know one way. */
  readonly way: 'flow thread' | 'inline' | 'spinning';
}

/**
 * Buffers that are sent one by one, as fast as the event loop turns, before the rate begins:
 * whoever sends or receives a thousand a second does so for hours, and the compiler needs some ten
 * thousand to make of every step on the way what it stays.
 */
const FIRST_BUFFERS = 20_000;

/** Sends one stamped buffer; waits while there is no room. */
type Send = () => Promise<void> | undefined;

const settings = settingsOf<LatencySettings>();
const { size, buffers, intervalMs, path } = settings;
let started: () => void = () => {};
const start = new Promise<void>((resolve) => (started = resolve));
let warm: () => void = () => {};
const warmed = new Promise<void>((resolve) => (warm = resolve));
const send = await { flow, sockets, zeromq }[settings.transport]();
answerQuestions({
  /** Answered when the first buffers are sent. */
  start: async () => {
    started();
    await warmed;
  },
});
await start;
for (let count = 1; count <= FIRST_BUFFERS; count += 1) {
  await send();
  await turn();
}
warm();
for (let count = 1; ; count += 1) {
  await send();
  if (intervalMs > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
  else if (count % buffers === 0) await turn();
}

async function flow(): Promise<Send> {
  const client = await connect({ app: settings.app, name: 'sender' });
  const output = await client.openOutput(settings.flow, { bufferSize: size, buffers });
  return async () => {
    const slot = output.reserveNow() ?? (await output.reserve());
    writeStamp(slot.data);
    slot.commit(size);
    if (intervalMs > 0) output.flush();
  };
}

async function sockets(): Promise<Send> {
  const connected: Socket[] = [];
  createServer((socket) => connected.push(socket)).listen(path);
  return async () => {
    const payload = Buffer.alloc(size);
    writeStamp(payload);
    for (const socket of connected) if (!socket.write(payload)) await once(socket, 'drain');
  };
}

async function zeromq(): Promise<Send> {
  const { Publisher } = await import('zeromq');
  const publisher = new Publisher({ sendHighWaterMark: buffers, linger: 0, noDrop: true });
  await publisher.bind(`ipc://${path}`);
  return async () => {
    const payload = Buffer.alloc(size);
    for (;;) {
      writeStamp(payload);
      try {
        return await publisher.send(payload);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await turn(); // the subscriber is full: the package offers no way to wait for it
      }
    }
  };
}
