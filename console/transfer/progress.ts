/**
 * Shows the progress of a transfer as one line of a terminal that is rewritten twice a second.
 *
 * `mirrorflow send` and `receive` call it with standard error.
 */
import { perSecond } from '../../protocol/base/rates.js';
import type { OutputStream } from '../output.js';
import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
} from '../../plotting/numbers.js';

export interface Transferred {
  readonly buffers: number;
  readonly bytes: number;
  readonly lost: number;
}

const PAINT_INTERVAL_MS = 500;
const FALLBACK_COLUMNS = 80;

/** The line for `now`; rates are computed from `before`, which was counted `sinceMs` ago. */
export function progressLine(
  now: Transferred,
  before: Transferred,
  sinceMs: number,
  elapsedMs: number,
): string {
  const rate = (count: number): number => (sinceMs > 0 ? perSecond(count, sinceMs) : Number.NaN);
  return [
    formatBytes(now.bytes),
    `${formatCount(now.buffers)} buffers`,
    formatByteRate(rate(now.bytes - before.bytes)),
    formatRate(rate(now.buffers - before.buffers)),
    ...(now.lost > 0 ? [`${formatCount(now.lost)} lost`] : []),
    formatDuration(elapsedMs),
  ].join('  ');
}

/**
 * Writes the line until the returned function is called, which leaves a last line with the rates of
 * the whole transfer. Writes nothing when `stream` is no terminal.
 */
export function showProgress(stream: OutputStream, count: () => Transferred): () => void {
  if (stream.isTTY !== true) return () => undefined;
  const start = { at: performance.now(), ...count() };
  let last = start;
  const paint = (before: typeof start): void => {
    const at = performance.now();
    const now = count();
    const line = progressLine(now, before, at - before.at, at - start.at);
    stream.write(`\r${line.slice(0, (stream.columns ?? FALLBACK_COLUMNS) - 1)}\u001B[K`);
    last = { at, ...now };
  };
  const timer = setInterval(() => paint(last), PAINT_INTERVAL_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    paint(start);
    stream.write('\n');
  };
}
