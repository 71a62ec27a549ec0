/** How a transfer goes, as one line that is written over again on a terminal. */
import { perSecond } from '../../protocol/base/rates.js';
import type { OutputStream } from '../output.js';
import { formatByteRate, formatBytes, formatCount, formatDuration, formatRate } from '../render/numbers.js';

export interface Transferred {
  readonly buffers: number;
  readonly bytes: number;
  readonly lost: number;
}

const PAINT_INTERVAL_MS = 500;
const FALLBACK_COLUMNS = 80;

/** Rates are those since `before`, which was `sinceMs` ago. */
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
 * Paints until the returned function is called, which leaves the last line with the rates of the
 * whole time. Nothing where there is no terminal.
 */
export function showProgress(stream: OutputStream, look: () => Transferred): () => void {
  if (stream.isTTY !== true) return () => undefined;
  const begun = { at: performance.now(), ...look() };
  let last = begun;
  const paint = (before: typeof begun): void => {
    const at = performance.now();
    const now = look();
    const line = progressLine(now, before, at - before.at, at - begun.at);
    stream.write(`\r${line.slice(0, (stream.columns ?? FALLBACK_COLUMNS) - 1)}\u001B[K`);
    last = { at, ...now };
  };
  const timer = setInterval(() => paint(last), PAINT_INTERVAL_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    paint(begun);
    stream.write('\n');
  };
}
