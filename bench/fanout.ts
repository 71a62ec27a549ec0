/**
 * `fanout`: the rate at which N lossless consumers on one host receive the buffers of one provider,
 * and the processor time of a buffer, beside a ring in C, npm `zeromq`, plain sockets, Redis, NATS
 * and the rate at which this machine copies memory. Starts a real system and the peers in
 * `fanout-peers.ts`.
 */
import { connect, type Client } from '../client-lib/index.js';
import { BenchProcess } from './bench-process.js';
import { fanoutPeers, SMALL_BYTES_MAX, startAll, type FanoutPeer, type FanoutShape } from './fanout-peers.js';
import type { FlowConsumerSettings } from './programs/flow-consumer.js';
import type { FlowProviderSettings } from './programs/flow-provider.js';
import { measureRatesAndStop, type Rates } from './rates.js';
import { makeRowPerPeer, type Peer, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { startSystem } from './system.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/**
 * Bytes of the ring, within the limits of its number of buffers: a larger ring would not fit into
 * the caches that the processes share.
 */
const RING_BYTES = 16 * MIB;
const BUFFERS_MIN = 4;
const BUFFERS_MAX = 65_536;
const SLOT_HEADER_BYTES = 64;

type ConsumerMode = Pick<FlowConsumerSettings, 'method' | 'inline' | 'copy' | 'spinUs' | 'signal'>;

/**
 * How a consumer reads. The keys are parts of row names, which `compare` matches across versions.
 */
const CONSUMER_MODES: Readonly<Record<string, ConsumerMode>> = {
  'flow thread, lent': { method: 'takeAll', inline: false, copy: false },
  'flow thread, polled': { method: 'poll', inline: false, copy: false },
  'inline, lent': { method: 'take', inline: true, copy: false },
  'inline, polled': { method: 'poll', inline: true, copy: false },
  'inline, polled, datagrams': { method: 'poll', inline: true, copy: false, signal: 'datagram' },
  'inline, copied': { method: 'poll', inline: true, copy: true },
};

interface Case {
  readonly consumers: number;
  readonly size: number;
  readonly mode: string;
}

const DEFAULT_CASES: readonly Case[] = [
  { consumers: 1, size: 128, mode: 'flow thread, lent' },
  { consumers: 1, size: 128, mode: 'flow thread, polled' },
  { consumers: 1, size: 128, mode: 'inline, polled' },
  { consumers: 1, size: 128, mode: 'inline, polled, datagrams' },
  { consumers: 4, size: 128, mode: 'inline, polled' },
  { consumers: 4, size: 128, mode: 'inline, polled, datagrams' },
  { consumers: 4, size: 4 * KIB, mode: 'inline, copied' },
  { consumers: 1, size: 64 * KIB, mode: 'flow thread, lent' },
  { consumers: 4, size: 64 * KIB, mode: 'inline, copied' },
  { consumers: 1, size: MIB, mode: 'inline, copied' },
  { consumers: 8, size: MIB, mode: 'inline, copied' },
];

export async function fanout(settings: BenchSettings): Promise<Row[]> {
  const cases = (settings.full ? allCases() : DEFAULT_CASES).filter((testCase) =>
    isSelected(settings, nameOf(testCase)),
  );
  const { directory, host, stop } = await startSystem();
  try {
    await host.run({ name: 'fanout' });
    const client = await connect({ app: 'fanout', name: 'fanout' });
    const rows: Row[] = [];
    const peers: PeerRates = new Map();
    settings.run.expect(cases.length);
    for (const testCase of cases) {
      const name = nameOf(testCase);
      const measured = () => measure(testCase, client, directory, settings, peers);
      rows.push(...(await settings.run.measure(name, measured)));
    }
    await client.close();
    return rows;
  } finally {
    await stop();
  }
}

/** The rates of a peer in every repetition, by `keyOf`. */
type PeerRates = Map<string, Rates[]>;

/** Most peers have no consumer modes: cases of the same size and number of consumers share them. */
function keyOf({ name, copiesAsConsumer }: FanoutPeer, { consumers, size, copies }: FanoutShape): string {
  return `${name}: ${consumers} x ${size}${copiesAsConsumer && copies ? ', copied' : ''}`;
}

async function measure(
  testCase: Case,
  client: Client,
  directory: string,
  settings: BenchSettings,
  measured: PeerRates,
): Promise<Row[]> {
  const { size, consumers } = testCase;
  const { durationMs } = settings;
  const copies = modeOf(testCase).copy;
  const shape: FanoutShape = { consumers, size, buffers: buffersOf(size), copies };
  const peers = fanoutPeers(settings.programs).filter(({ isFor }) => isFor(shape));
  const unmeasured = peers.filter((peer) => !measured.has(keyOf(peer, shape)));
  for (const peer of unmeasured) measured.set(keyOf(peer, shape), []);
  const flowFigures: Rates[] = [];
  for (const _ of settings.run.repetitions(settings.repeats)) {
    flowFigures.push(await flowRates(testCase, shape, client, durationMs));
    for (const peer of unmeasured) {
      const rates = await peer.rates(shape, directory, durationMs);
      if (rates !== undefined) measured.get(keyOf(peer, shape))?.push(rates);
    }
  }
  const figures = peers.map((peer) => ({ peer, rates: measured.get(keyOf(peer, shape)) ?? [] }));
  return rowsOfCase(nameOf(testCase), size, flowFigures, figures);
}

function rowsOfCase(
  name: string,
  size: number,
  flowFigures: readonly Rates[],
  peers: readonly { readonly peer: FanoutPeer; readonly rates: readonly Rates[] }[],
): Row[] {
  const isSmall = size <= SMALL_BYTES_MAX;
  const figure = isSmall
    ? ({ buffersEach }: Rates): number => buffersEach / 1e6
    : ({ bytesTogether }: Rates): number => bytesTogether / 1e9;
  const cpu = ({ cpuNsPerBuffer }: Rates): number => cpuNsPerBuffer / 1000;
  const by = (of: (rates: Rates) => number): Peer[] =>
    peers
      .filter(({ peer }) => of === figure || peer.measuresCpu)
      .map(({ peer, rates }) => ({ name: peer.name, values: rates.map(of) }));
  return [
    ...makeRowPerPeer('fanout', name, isSmall ? 'M/s each' : 'GB/s all', flowFigures.map(figure), by(figure)),
    ...makeRowPerPeer('fanout', `${name}: CPU`, 'us/buffer', flowFigures.map(cpu), by(cpu)),
  ];
}

let lastFlow = 0;

async function flowRates(
  testCase: Case,
  { consumers, size, buffers }: FanoutShape,
  client: Client,
  durationMs: number,
): Promise<Rates> {
  const flow = `fanout${(lastFlow += 1)}`;
  const mode = modeOf(testCase);
  const providerSettings: FlowProviderSettings = {
    app: client.app,
    flow,
    size,
    buffers,
    consumers,
    fill: true,
    ...(mode.signal === undefined ? {} : { signal: mode.signal }),
  };
  const provider = await BenchProcess.start('flow-provider', providerSettings);
  const consumerSettings: FlowConsumerSettings = {
    app: client.app,
    flow,
    size,
    history: mode.inline ? 1 : Math.max(8, Math.min(4096, buffers)),
    ...mode,
  };
  const receivers = await startAll(consumers, 'flow-consumer', consumerSettings);
  const duplicator = (await client.flows()).find((info) => info.flow === flow)?.pid;
  return measureRatesAndStop(
    { receivers, others: [provider] },
    duplicator === undefined ? [] : [duplicator],
    durationMs,
  );
}

function modeOf({ mode }: Case): ConsumerMode {
  const known = CONSUMER_MODES[mode];
  if (known === undefined) throw new Error(`unknown consumer mode: ${mode}`);
  return known;
}

function buffersOf(size: number): number {
  return Math.max(BUFFERS_MIN, Math.min(BUFFERS_MAX, Math.floor(RING_BYTES / (size + SLOT_HEADER_BYTES))));
}

function nameOf({ consumers, size, mode }: Case): string {
  const bytes = size >= MIB ? `${size / MIB} MiB` : size >= KIB ? `${size / KIB} KiB` : `${size} B`;
  return `${bytes} to ${consumers}, ${mode}`;
}

function allCases(): Case[] {
  const sizes = [128, 4 * KIB, 64 * KIB, MIB, 8 * MIB];
  return sizes.flatMap((size) =>
    [1, 4, 8, 32].flatMap((consumers) =>
      Object.keys(CONSUMER_MODES).map((mode) => ({ consumers, size, mode })),
    ),
  );
}
