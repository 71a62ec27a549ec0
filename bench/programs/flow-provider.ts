/**
 * Provides a flow as fast as its consumers allow: reserves, fills and commits each buffer, without
 * waiting while there is room. Started by `fanout` and `scale`. Attaches to a flow of a real
 * system.
 */
import { connect, type OutputSlot } from 'mirrorflow';
import { serveRequests, readSettings, nextTurn } from './control-channel.js';
import { Tally } from './sample.js';

export interface FlowProviderSettings {
  readonly app: string;
  readonly flow: string;
  readonly size: number;
  readonly buffers: number;
  readonly consumers: number;
  /**
   * Copy a payload into each slot; false leaves the bytes as in a program that computes in place.
   */
  readonly fill: boolean;
  /** How clients and the duplicator exchange counts. Default: streams. */
  readonly signal?: 'datagram';
}

/** Most buffers and bytes between two turns of the event loop, in which requests are handled. */
const TURN_BUFFERS = 65_536;
const TURN_BYTES = 64 * 2 ** 20;

const { app, flow, size, buffers, consumers, fill, signal } = readSettings<FlowProviderSettings>();
const client = await connect({ app, name: 'provider' });
const output = await client.openOutput(flow, {
  bufferSize: size,
  buffers,
  ...(signal === undefined ? {} : { signal }),
});
const source = Buffer.alloc(size, 1);
const tally = new Tally();
serveRequests({ sample: () => tally.sample() });
while (output.consumers < consumers) await nextTurn();
const turnBuffers = Math.max(1, Math.min(TURN_BUFFERS, Math.floor(TURN_BYTES / size)));
for (let left = turnBuffers; ; left = turnBuffers) {
  while ((left = writeUntilFull(left)) > 0) write(await output.reserve());
  tally.bytes = tally.buffers * size;
  await nextTurn();
}

/** Writes up to `limit` buffers until the ring is full. Returns how many of them are left. */
function writeUntilFull(limit: number): number {
  let left = limit;
  for (; left > 0; left -= 1) {
    const slot = output.reserveNow();
    if (slot === undefined) break;
    write(slot);
  }
  return left;
}

function write(slot: OutputSlot): void {
  if (fill) slot.data.set(source);
  slot.commit(size);
  tally.buffers += 1;
}
