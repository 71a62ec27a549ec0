/**
 * The peers of `fanout`, each in processes of its own with the same number of consumers and size of
 * buffers: a ring in C, npm `zeromq`, plain sockets, Redis, NATS, and copying memory. Spawns
 * processes; peers that are not installed are skipped.
 */
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { aeronRates, fitsAeron } from './aeron-peer.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { cFanoutRates, fitsCRing } from './c-fanout.js';
import { libzmqRates } from './libzmq-peer.js';
import type { PeerPrograms } from './peer-programs.js';
import type { BrokerKind, BrokerSettings } from './programs/broker.js';
import type { BrokerServer } from './programs/broker-server.js';
import { measureRatesAndStop, type Rates } from './rates.js';

export interface FanoutShape {
  readonly consumers: number;
  /** Bytes of a buffer. */
  readonly size: number;
  /** Buffers that may wait between provider and consumers. */
  readonly buffers: number;
  /** Each consumer copies every buffer to memory of its own. */
  readonly copies: boolean;
}

export interface FanoutPeer {
  readonly name: string;
  /** Whether it is compared with buffers of this shape. */
  readonly isFor: (shape: FanoutShape) => boolean;
  /** Its consumers copy buffers when ours do; of other peers `copies` changes nothing. */
  readonly copiesAsConsumer: boolean;
  /** Its processor time is compared too. */
  readonly measuresCpu: boolean;
  /** `directory` is for sockets and programs. Resolves with undefined when it is not installed. */
  readonly rates: (shape: FanoutShape, directory: string, durationMs: number) => Promise<Rates | undefined>;
}

/** Largest size whose figure is buffers a second; above it the figure is bytes a second. */
export const SMALL_BYTES_MAX = 4 * 1024;

const ALWAYS = { isFor: () => true, copiesAsConsumer: false, measuresCpu: true } as const;
/** The peer moves bytes, not buffers. */
const BYTES_ONLY = {
  isFor: ({ size }: FanoutShape) => size > SMALL_BYTES_MAX,
  copiesAsConsumer: false,
  measuresCpu: false,
} as const;

const FANOUT_PEERS: readonly FanoutPeer[] = [
  { name: 'C', isFor: fitsCRing, copiesAsConsumer: true, measuresCpu: true, rates: cFanoutRates },
  { name: 'zeromq', ...ALWAYS, rates: zeromqRates },
  { name: 'sockets', ...ALWAYS, rates: socketRates },
  { name: 'redis', ...ALWAYS, rates: (shape, _, durationMs) => brokerRates('redis', shape, durationMs) },
  { name: 'nats', ...ALWAYS, rates: (shape, _, durationMs) => brokerRates('nats', shape, durationMs) },
  {
    name: 'memory copy, all cores',
    ...BYTES_ONLY,
    rates: (shape, _, durationMs) => copyRates(shape, durationMs, availableParallelism()),
  },
  {
    name: 'memory copy, one process',
    ...BYTES_ONLY,
    rates: (shape, _, durationMs) => copyRates(shape, durationMs, 1),
  },
];

/** All peers, with those whose programs the command line names. */
export function fanoutPeers({ aeron, libzmq }: PeerPrograms): readonly FanoutPeer[] {
  const named: FanoutPeer[] = [];
  if (aeron !== undefined)
    named.push({
      name: 'Aeron',
      isFor: fitsAeron,
      copiesAsConsumer: false,
      measuresCpu: false,
      rates: (shape, _, durationMs) => aeronRates(aeron, shape, durationMs),
    });
  if (libzmq !== undefined)
    named.push({
      name: 'libzmq',
      isFor: ({ consumers }) => consumers === 1,
      copiesAsConsumer: false,
      measuresCpu: false,
      rates: (shape, directory, durationMs) => libzmqRates(libzmq, shape, directory, durationMs),
    });
  return [...named, ...FANOUT_PEERS];
}

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
  await publisher.request('start');
  return measureRatesAndStop({ receivers, others: [publisher] }, [], durationMs);
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
  return measureRatesAndStop({ receivers, others: [publisher] }, [], durationMs);
}

const BROKER_CLIENT_PACKAGES: Readonly<Record<BrokerKind, string>> = {
  redis: '@redis/client',
  nats: '@nats-io/transport-node',
};

/** Measures through a private server; undefined when the server or its client is not installed. */
async function brokerRates(
  kind: BrokerKind,
  { consumers, size, buffers }: FanoutShape,
  durationMs: number,
): Promise<Rates | undefined> {
  if (!(await hasPackage(BROKER_CLIENT_PACKAGES[kind]))) return undefined;
  const server = await BenchProcess.start('broker-server', { kind });
  const programs: BenchProcess[] = [];
  try {
    const listening = await server.request<BrokerServer | undefined>('server');
    if (listening === undefined) return undefined;
    const settings: BrokerSettings = { kind, address: listening.address, size, consumers, window: buffers };
    const publisher = await BenchProcess.start('broker-publisher', settings);
    programs.push(publisher);
    const receivers = await startAll(consumers, 'broker-subscriber', settings);
    programs.push(...receivers);
    await publisher.request('start');
    return await measureRatesAndStop({ receivers, others: [publisher] }, [listening.pid], durationMs);
  } finally {
    await stopAll(programs); // before the server: the programs treat its end as a failure
    await server.request('end').catch(() => undefined); // fails when the server has exited already
    await server.stop();
  }
}

/** Copies memory in `processes` processes at the same time. */
async function copyRates(
  { size, buffers }: FanoutShape,
  durationMs: number,
  processes: number,
): Promise<Rates> {
  const receivers = await startAll(processes, 'memory-copy', { size, regionBytes: size * buffers });
  return measureRatesAndStop({ receivers, others: [] }, [], durationMs);
}

/** Starts `count` programs at the same time; stops all of them when one fails to start. */
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
