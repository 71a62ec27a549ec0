/**
 * The peer `Aeron` of `fanout`: Aeron's media driver and its C samples `streaming_publisher` and
 * `rate_subscriber`, in the folder of `--aeron`, over `aeron:ipc`. The samples spin, so that their
 * processor time is not compared. Spawns them; keeps Aeron's files in /dev/shm while they run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FanoutShape } from './fanout-peers.js';
import { AERON_PROGRAMS, PeerProgram } from './peer-programs.js';
import type { Rates } from './rates.js';
import { median } from './report.js';
import { pause } from './system.js';

const CHANNEL = 'aeron:ipc';
const STREAM = '1001';
/** More than a measurement needs. */
const MESSAGES = '1000000000000';
/** Aeron's largest message with its default term buffer of 64 MiB: an eighth of it. */
const MESSAGE_BYTES_MAX = 8 * 2 ** 20;
/** The driver creates its files in this time. */
const DRIVER_STARTS_MS = 1_000;
/** A subscriber reports once a second; the first report is of the time in which all start. */
const REPORT_INTERVAL_MS = 1_000;
const REPORTS_MIN = 3;

export function fitsAeron({ size }: FanoutShape): boolean {
  return size <= MESSAGE_BYTES_MAX;
}

export async function aeronRates(
  folder: string,
  { consumers, size }: FanoutShape,
  durationMs: number,
): Promise<Rates> {
  const directory = mkdtempSync('/dev/shm/mirrorflow-bench-aeron-');
  // The driver creates its folder itself, and refuses one that it does not recognise.
  const shared = ['-p', join(directory, 'driver'), '-c', CHANNEL, '-s', STREAM];
  const program = (name: keyof typeof AERON_PROGRAMS, ...args: string[]): PeerProgram =>
    new PeerProgram(join(folder, AERON_PROGRAMS[name]), args, {
      ...process.env,
      AERON_DIR: join(directory, 'driver'),
    });
  const running = [program('driver')];
  try {
    await pause(DRIVER_STARTS_MS);
    const subscribers = Array.from({ length: consumers }, () => program('subscriber', ...shared));
    running.unshift(...subscribers);
    running.unshift(program('publisher', ...shared, '-L', String(size), '-m', MESSAGES, '-l', '0'));
    await pause((REPORTS_MIN + 1) * REPORT_INTERVAL_MS + durationMs);
    // Their output is complete when they end: they write to a pipe.
    const outputs = await Promise.all(subscribers.map((subscriber) => subscriber.end('SIGINT')));
    const rates = outputs.map((output) => median(parseAeronReports(output)));
    const total = rates.reduce((sum, rate) => sum + rate, 0);
    return { buffersEach: median(rates), bytesTogether: total * size, cpuNsPerBuffer: Number.NaN };
  } finally {
    for (const one of running) await one.end('SIGINT');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Messages a second of each report that `rate_subscriber` prints, without the first. */
export function parseAeronReports(output: string): number[] {
  const reports = [...output.matchAll(/^\d+ms, (\S+) msgs\/sec, \S+ bytes\/sec, totals/gm)];
  const rates = reports.slice(1).map(([, rate]) => Number(rate));
  if (rates.length === 0 || rates.some((rate) => !(rate >= 0)))
    throw new Error(`rate_subscriber printed no rates: ${JSON.stringify(output)}`);
  return rates;
}
