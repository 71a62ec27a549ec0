/**
 * Provides many flows at a low rate: one buffer of each per interval, committed without being
 * filled. Started by `scale`; attaches to the flows of a real system.
 */
import { connect, type OutputFlow } from 'mirrorflow';
import { serveRequests, readSettings } from './control-channel.js';
import { Tally } from './sample.js';

export interface ScaleProviderSettings {
  readonly app: string;
  readonly flows: readonly string[];
  readonly size: number;
  readonly buffers: number;
  readonly intervalMs: number;
}

const { app, flows, size, buffers, intervalMs } = readSettings<ScaleProviderSettings>();
const client = await connect({ app, name: 'provider' });
const began = performance.now();
const outputs: OutputFlow[] = [];
for (const flow of flows) outputs.push(await client.openOutput(flow, { bufferSize: size, buffers }));
const openedMs = performance.now() - began;
const tally = new Tally();
serveRequests({ sample: () => tally.sample(), openedMs: () => openedMs });
setInterval(() => {
  for (const output of outputs) {
    const slot = output.reserveNow();
    if (slot === undefined) continue;
    slot.commit(size);
    tally.buffers += 1;
    tally.bytes += size;
  }
}, intervalMs);
