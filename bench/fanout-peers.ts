/** What `fanout` is compared with, each in processes of its own and of the same shape: npm `zeromq`, plain sockets, the copying of memory. */
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { BenchProcess, stopAll } from './bench-process.js';
import { ratesOf, type Rates } from './rates.js';

export interface FanoutShape {
  readonly consumers: number;
  readonly size: number;
  /** Buffers that may wait between provider and consumers. */
  readonly buffers: number;
}

/** Undefined when npm `zeromq` is not installed. */
export async function zeromqRates(
  { consumers, size, buffers }: FanoutShape,
  directory: string,
  durationMs: number,
): Promise<Rates | undefined> {
  if (!(await hasZeromq())) return undefined;
  const path = join(directory, 'zeromq.sock');
  rmSync(path, { force: true });
  const endpoint = `ipc://${path}`;
  const publisher = await BenchProcess.start('zeromq-publisher', { endpoint, size, highWater: buffers });
  const receivers = await startAll(consumers, 'zeromq-subscriber', { endpoint, highWater: buffers });
  await publisher.ask('start');
  return ratesOf({ receivers, others: [publisher] }, [], durationMs);
}

export async function socketRates(
  { consumers, size }: FanoutShape,
  directory: string,
  durationMs: number,
): Promise<Rates> {
  const path = join(directory, 'fanout.sock');
  rmSync(path, { force: true });
  const publisher = await BenchProcess.start('socket-publisher', { path, size, consumers });
  const receivers = await startAll(consumers, 'socket-subscriber', { path, size });
  return ratesOf({ receivers, others: [publisher] }, [], durationMs);
}

/** `processes` copying at the same time; by default one per core. */
export async function copyRates(
  { size, buffers }: FanoutShape,
  durationMs: number,
  processes = availableParallelism(),
): Promise<Rates> {
  const receivers = await startAll(processes, 'memory-copy', { size, regionBytes: size * buffers });
  return ratesOf({ receivers, others: [] }, [], durationMs);
}

/** Starts them all at the same time; ends all when one does not start. */
export async function startAll(count: number, name: string, settings: object): Promise<BenchProcess[]> {
  const starting = Array.from({ length: count }, () => BenchProcess.start(name, settings));
  const started = await Promise.allSettled(starting);
  const programs = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed === undefined) return programs;
  await stopAll(programs);
  throw failed.reason;
}

export async function hasZeromq(): Promise<boolean> {
  try {
    await import('zeromq');
    return true;
  } catch {
    return false;
  }
}
