/**
 * Sends buffers that carry their time of sending, over a flow or one of its peers (sockets,
 * zeromq), at a fixed interval or as fast as possible. Started by `latency`; `latency-receiver`
 * receives them.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect } from 'mirrorflow';
import { serveRequests, readSettings, nextTurn } from './control-channel.js';
import { writeStamp } from './stamp.js';

export interface LatencySettings {
  readonly transport: 'flow' | 'sockets' | 'zeromq';
  /** Application and flow of the transport `flow`; `path` is the Unix socket of the peers. */
  readonly app: string;
  readonly flow: string;
  readonly path: string;
  readonly size: number;
  readonly buffers: number;
  /** Milliseconds between two buffers; 0 is saturation. */
  readonly intervalMs: number;
  /** How the receiver reads a flow; ignored by the peers. */
  readonly mode: 'flow thread' | 'inline' | 'inline, datagrams' | 'spinning';
  /** How clients and the duplicator exchange counts. Default: streams. */
  readonly signal?: 'datagram';
}

/**
 * Buffers that are sent one per turn of the event loop before the measurement: a program that sends
 * a thousand a second runs for hours, and the compiler needs some ten thousand repetitions of each
 * step before the code has its final speed.
 */
const WARM_UP_BUFFERS = 20_000;

/** Sends one stamped buffer; waits while there is no room. */
type Send = () => Promise<void> | undefined;

const settings = readSettings<LatencySettings>();
const { size, buffers, intervalMs, path } = settings;
let start: () => void = () => {};
const started = new Promise<void>((resolve) => (start = resolve));
let finishWarmUp: () => void = () => {};
const warmUp = new Promise<void>((resolve) => (finishWarmUp = resolve));
const send = await { flow, sockets, zeromq }[settings.transport]();
serveRequests({
  /** Resolves when the warm-up buffers are sent. */
  start: async () => {
    start();
    await warmUp;
  },
});
await started;
for (let count = 1; count <= WARM_UP_BUFFERS; count += 1) {
  await send();
  await nextTurn();
}
finishWarmUp();
for (let count = 1; ; count += 1) {
  await send();
  if (intervalMs > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
  else if (count % buffers === 0) await nextTurn();
}

async function flow(): Promise<Send> {
  const client = await connect({ app: settings.app, name: 'sender' });
  const output = await client.openOutput(settings.flow, {
    bufferSize: size,
    buffers,
    ...(settings.signal === undefined ? {} : { signal: settings.signal }),
  });
  return async () => {
    const slot = output.reserveNow() ?? (await output.reserve());
    writeStamp(slot.data);
    slot.commit(size);
    if (intervalMs > 0) output.flush();
  };
}

async function sockets(): Promise<Send> {
  const subscribers: Socket[] = [];
  createServer((socket) => subscribers.push(socket)).listen(path);
  return async () => {
    const payload = Buffer.alloc(size);
    writeStamp(payload);
    for (const socket of subscribers) if (!socket.write(payload)) await once(socket, 'drain');
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
        await nextTurn(); // the queue is full: the package has no call that waits for room
      }
    }
  };
}
