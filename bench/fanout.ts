/**
 * `fanout`: what one provider gets to N lossless consumers on the same host, through the real
 * processes, beside npm `zeromq`, plain sockets, Redis, NATS and the rate at which this machine
 * copies memory.
 */
import { connect, type Client } from '../client-lib/index.js';
import { BenchProcess } from './bench-process.js';
import { FANOUT_PEERS, startAll, type FanoutShape } from './fanout-peers.js';
import type { FlowConsumerSettings } from './programs/flow-consumer.js';
import type { FlowProviderSettings } from './programs/flow-provider.js';
import { ratesOf, type Rates } from './rates.js';
import { rowsOf, type Peer, type Row } from './report.js';
import { wanted, type BenchSettings } from './settings.js';
import { startSystem } from './system.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/**
 * The ring holds so much, as far as its number of buffers allows: more would be out of the caches
 * that processes share.
 */
const RING_BYTES = 16 * MIB;
const BUFFERS_MIN = 4;
const BUFFERS_MAX = 65_536;
const SLOT_HEADER_BYTES = 64;
/** Above it, bytes a second say more than buffers. */
const SMALL_BYTES = 4 * KIB;

type Way = Pick<FlowConsumerSettings, 'way' | 'inline' | 'copy' | 'spinUs'>;

const WAYS: Readonly<Record<string, Way>> = {
  'flow thread, lent': { way: 'takeAll', inline: false, copy: false },
  'flow thread, polled': { way: 'poll', inline: false, copy: false },
  'inline, lent': { way: 'take', inline: true, copy: false },
  'inline, polled': { way: 'poll', inline: true, copy: false },
  'inline, copied': { way: 'poll', inline: true, copy: true },
};

interface Case {
  readonly consumers: number;
  readonly size: number;
  readonly way: string;
}

const USUAL: readonly Case[] = [
  { consumers: 1, size: 128, way: 'flow thread, lent' },
  { consumers: 1, size: 128, way: 'flow thread, polled' },
  { consumers: 1, size: 128, way: 'inline, polled' },
  { consumers: 4, size: 128, way: 'inline, polled' },
  { consumers: 4, size: 4 * KIB, way: 'inline, copied' },
  { consumers: 1, size: 64 * KIB, way: 'flow thread, lent' },
  { consumers: 1, size: MIB, way: 'inline, copied' },
  { consumers: 8, size: MIB, way: 'inline, copied' },
];

export async function fanout(settings: BenchSettings): Promise<Row[]> {
  const cases = (settings.full ? everything() : USUAL).filter((one) => wanted(settings, nameOf(one)));
  const { directory, host, stop } = await startSystem();
  try {
    await host.run({ name: 'fanout' });
    const client = await connect({ app: 'fanout', name: 'fanout' });
    const rows: Row[] = [];
    const peers = new Map<string, PeerRates>();
    for (const one of cases) rows.push(...(await measure(one, client, directory, settings, peers)));
    await client.close();
    return rows;
  } finally {
    await stop();
  }
}

/** By the name of the peer, of every repetition. */
type PeerRates = ReadonlyMap<string, Rates[]>;

/** Peers do not know the ways of a consumer: those of one shape are measured once. */
async function measure(
  one: Case,
  client: Client,
  directory: string,
  settings: BenchSettings,
  known: Map<string, PeerRates>,
): Promise<Row[]> {
  const { size, consumers } = one;
  const { durationMs } = settings;
  const shape: FanoutShape = { consumers, size, buffers: buffersOf(size) };
  const key = `${consumers} x ${size}`;
  const first = !known.has(key);
  const beside = FANOUT_PEERS.filter(({ bytesOnly }) => !bytesOnly || size > SMALL_BYTES);
  const peers: PeerRates = known.get(key) ?? new Map(beside.map(({ name }) => [name, []]));
  known.set(key, peers);
  const ours: Rates[] = [];
  for (let repeat = 0; repeat < settings.repeats; repeat += 1) {
    ours.push(await flowRates(one, shape, client, durationMs));
    if (!first) continue;
    for (const peer of beside) {
      const rates = await peer.rates(shape, directory, durationMs);
      if (rates !== undefined) peers.get(peer.name)?.push(rates);
    }
  }
  return rowsOfCase(nameOf(one), size, ours, peers);
}

function rowsOfCase(name: string, size: number, ours: readonly Rates[], peers: PeerRates): Row[] {
  const small = size <= SMALL_BYTES;
  const figure = small
    ? ({ buffersEach }: Rates): number => buffersEach / 1e6
    : ({ bytesTogether }: Rates): number => bytesTogether / 1e9;
  const cpu = ({ cpuNsPerBuffer }: Rates): number => cpuNsPerBuffer / 1000;
  const by = (of: (rates: Rates) => number): Peer[] =>
    FANOUT_PEERS.filter(({ bytesOnly }) => !bytesOnly || (!small && of === figure)).map(({ name }) => ({
      name,
      values: (peers.get(name) ?? []).map(of),
    }));
  return [
    ...rowsOf('fanout', name, small ? 'M/s each' : 'GB/s all', ours.map(figure), by(figure)),
    ...rowsOf('fanout', `${name}: CPU`, 'us/buffer', ours.map(cpu), by(cpu)),
  ];
}

let lastFlow = 0;

async function flowRates(
  one: Case,
  { consumers, size, buffers }: FanoutShape,
  client: Client,
  durationMs: number,
): Promise<Rates> {
  const flow = `fanout${(lastFlow += 1)}`;
  const way = WAYS[one.way];
  if (way === undefined) throw new Error(`no way ${one.way}`);
  const providing: FlowProviderSettings = { app: client.app, flow, size, buffers, consumers, fill: true };
  const provider = await BenchProcess.start('flow-provider', providing);
  const consuming: FlowConsumerSettings = {
    app: client.app,
    flow,
    size,
    history: way.inline ? 1 : Math.max(8, Math.min(4096, buffers)),
    ...way,
  };
  const receivers = await startAll(consumers, 'flow-consumer', consuming);
  const duplicator = (await client.flows()).find((info) => info.flow === flow)?.pid;
  return ratesOf({ receivers, others: [provider] }, duplicator === undefined ? [] : [duplicator], durationMs);
}

function buffersOf(size: number): number {
  return Math.max(BUFFERS_MIN, Math.min(BUFFERS_MAX, Math.floor(RING_BYTES / (size + SLOT_HEADER_BYTES))));
}

function nameOf({ consumers, size, way }: Case): string {
  const bytes = size >= MIB ? `${size / MIB} MiB` : size >= KIB ? `${size / KIB} KiB` : `${size} B`;
  return `${bytes} to ${consumers}, ${way}`;
}

function everything(): Case[] {
  const sizes = [128, 4 * KIB, 64 * KIB, MIB, 8 * MIB];
  return sizes.flatMap((size) =>
    [1, 4, 8, 32].flatMap((consumers) => Object.keys(WAYS).map((way) => ({ consumers, size, way }))),
  );
}
