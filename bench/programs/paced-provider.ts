/**
 * Provides a flow at a fixed rate and measures what each reservation and commit takes. Started by
 * `record`, with and without a recorder. Attaches to a flow of a real system.
 */
import { connect } from 'mirrorflow';
import { nextTurn, readSettings, serveRequests } from './control-channel.js';

export interface PacedProviderSettings {
  readonly app: string;
  readonly flow: string;
  readonly size: number;
  readonly buffers: number;
  readonly bytesPerSecond: number;
}

export interface PacedFigures {
  readonly bytes: number;
  readonly ms: number;
  /** 99th percentile of the times from the reservation to the commit of a buffer. */
  readonly p99Us: number;
}

const { app, flow, size, buffers, bytesPerSecond } = readSettings<PacedProviderSettings>();
const client = await connect({ app, name: 'provider' });
const output = await client.openOutput(flow, { bufferSize: size, buffers });
const source = Buffer.alloc(size, 1);
let times: number[] = [];
let bytes = 0;
let sinceMs = performance.now();
serveRequests({
  sample: (): PacedFigures => {
    const sorted = times.toSorted((one, other) => one - other);
    const nowMs = performance.now();
    const p99Us = (sorted[Math.floor(sorted.length * 0.99)] ?? 0) * 1000;
    const figures = { bytes, ms: nowMs - sinceMs, p99Us };
    times = [];
    bytes = 0;
    sinceMs = nowMs;
    return figures;
  },
});
for (;;) {
  while (bytes < ((performance.now() - sinceMs) / 1000) * bytesPerSecond) {
    const beganMs = performance.now();
    const slot = output.reserveNow() ?? (await output.reserve());
    slot.data.set(source);
    slot.commit(size);
    times.push(performance.now() - beganMs);
    bytes += size;
    if (times.length % 16 === 0) await nextTurn();
  }
  await nextTurn();
}
