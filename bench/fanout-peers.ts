/**
 * What `fanout` is compared with, each in processes of its own and of the same shape: npm `zeromq`,
 * plain sockets, Redis, NATS, the copying of memory.
 */
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { BenchProcess, stopAll } from './bench-process.js';
import type { BrokerKind, BrokerSettings } from './programs/broker.js';
import type { BrokerPlace } from './programs/broker-server.js';
import { ratesOf, type Rates } from './rates.js';

export interface FanoutShape {
  readonly consumers: number;
  readonly size: number;
  /** Buffers that may wait between provider and consumers. */
  readonly buffers: number;
}

export interface FanoutPeer {
  readonly name: string;
  /** Bytes without buffers: beside bytes a second of buffers that are not small only. */
  readonly bytesOnly: boolean;
  /** `directory` is for sockets. Undefined when the peer is not installed. */
  readonly rates: (shape: FanoutShape, directory: string, durationMs: number) => Promise<Rates | undefined>;
}

export const FANOUT_PEERS: readonly FanoutPeer[] = [
  { name: 'zeromq', bytesOnly: false, rates: zeromqRates },
  { name: 'sockets', bytesOnly: false, rates: socketRates },
  {
    name: 'redis',
    bytesOnly: false,
    rates: (shape, _, durationMs) => brokerRates('redis', shape, durationMs),
  },
  { name: 'nats', bytesOnly: false, rates: (shape, _, durationMs) => brokerRates('nats', shape, durationMs) },
  {
    name: 'memory copy, all cores',
    bytesOnly: true,
    rates: (shape, _, durationMs) => copyRates(shape, durationMs, availableParallelism()),
  },
  {
    name: 'memory copy, one process',
    bytesOnly: true,
    rates: (shape, _, durationMs) => copyRates(shape, durationMs, 1),
  },
];

async function zeromqRates(
  { consumers, size, buffers }: FanoutShape,
  directory: string,
  durationMs: number,
): Promise<Rates | undefined> {
  if (!(await hasPackage('zeromq'))) return undefined;
  const path = join(directory, 'zeromq.sock');
  rmSync(path, { force: true });
  const endpoint = `ipc://${path}`;
  const publisher = await BenchProcess.start('zeromq-publisher', { endpoint, size, highWater: buffers });
  const receivers = await startAll(consumers, 'zeromq-subscriber', { endpoint, highWater: buffers });
  await publisher.ask('start');
  return ratesOf({ receivers, others: [publisher] }, [], durationMs);
}

async function socketRates(
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

const BROKER_CLIENTS: Readonly<Record<BrokerKind, string>> = {
  redis: '@redis/client',
  nats: '@nats-io/transport-node',
};

/**
 * Through a server of its own. Undefined when that or the package of its client is not installed.
 */
async function brokerRates(
  kind: BrokerKind,
  { consumers, size, buffers }: FanoutShape,
  durationMs: number,
): Promise<Rates | undefined> {
  if (!(await hasPackage(BROKER_CLIENTS[kind]))) return undefined;
  const server = await BenchProcess.start('broker-server', { kind });
  const programs: BenchProcess[] = [];
  try {
    const place = await server.ask<BrokerPlace | undefined>('place');
    if (place === undefined) return undefined;
    const settings: BrokerSettings = { kind, address: place.address, size, consumers, window: buffers };
    const publisher = await BenchProcess.start('broker-publisher', settings);
    programs.push(publisher);
    const receivers = await startAll(consumers, 'broker-subscriber', settings);
    programs.push(...receivers);
    await publisher.ask('start');
    return await ratesOf({ receivers, others: [publisher] }, [place.pid], durationMs);
  } finally {
    await stopAll(programs); // before the server, whose end they take for a failure
    await server.ask('end').catch(() => undefined); // it may have ended: that is why the others failed
    await server.stop();
  }
}

/** `processes` copying at the same time. */
async function copyRates(
  { size, buffers }: FanoutShape,
  durationMs: number,
  processes: number,
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

export async function hasPackage(name: string): Promise<boolean> {
  try {
    await import(name);
    return true;
  } catch {
    return false;
  }
}
