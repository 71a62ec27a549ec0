/**
 * The picture of the network that the network page and `/metrics` show: applications, their flows
 * (rings of buffers in shared memory) and clients, with rates between two pictures. `Applications`
 * requests one per second while pages follow, and one per scrape. Asks each running app server
 * through its client.
 */
import { hostname } from 'node:os';
import type { ApplicationInfo, Client, FlowInfo } from '../../client-lib/index.js';
import { describeError } from '../../protocol/base/errors.js';
import { ratesBetween, type CounterSample } from '../../protocol/base/rates.js';
import type { ApplicationStatistics } from '../../protocol/rpc/contract/statistics.js';
import { summarizeReaders } from '../../protocol/rpc/contract/reader-summary.js';
import type { RecorderInfo } from '../../protocol/rpc/contract/recorder.js';
import { GAUGES } from '../../protocol/flow/flow-file/counters.js';
import type { NetworkApplication, NetworkFlow, NetworkPicture, NetworkRecorder } from '../wire/network.js';

interface FlowSample extends CounterSample {
  /** When `published` was first seen with its present value. */
  readonly changedAtMs: number;
}

const ANSWER_TIMEOUT_MS = 2_000;
const RATE_SUFFIX = 'PerSecond';

export class NetworkSampler {
  readonly #clientOf: (app: string) => Promise<Client>;
  /** The last sample of each flow, by `application/flow`. */
  readonly #samples = new Map<string, FlowSample>();

  constructor(clientOf: (app: string) => Promise<Client>) {
    this.#clientOf = clientOf;
  }

  /** Never rejects: an application that does not answer is in the picture with its `problem`. */
  async picture(applications: readonly ApplicationInfo[], hostServer: boolean): Promise<NetworkPicture> {
    const pictured = await Promise.all(applications.map((application) => this.#application(application)));
    return { host: hostname(), hostServer, atMs: Date.now(), applications: pictured };
  }

  async #application(info: ApplicationInfo): Promise<NetworkApplication> {
    const { name, state, source, cause, restarts, pid, port } = info;
    const summary = {
      name,
      state,
      restarts,
      ...(source === undefined ? {} : { source }),
      ...(cause === undefined ? {} : { cause }),
      ...(pid === undefined ? {} : { pid }),
      ...(port === undefined ? {} : { port }),
    };
    if (state !== 'running') return { ...summary, flows: [], clients: [] };
    try {
      const client = await withTimeout(this.#clientOf(name));
      const [flows, statistics, { recorder }] = await withTimeout(
        Promise.all([client.flows(), client.applicationStatistics(), client.appInfo()]),
      );
      return {
        ...summary,
        flows: flows.map((flow) => this.#flow(client.app, flow, statistics)),
        clients: statistics.clients,
        ...(recorder === undefined ? {} : { recorder: pictureOf(recorder) }),
      };
    } catch (error) {
      return { ...summary, flows: [], clients: [], problem: describeError(error) };
    }
  }

  #flow(app: string, info: FlowInfo, statistics: ApplicationStatistics): NetworkFlow {
    const { file: _file, image: _image, published: _published, clients: _clients, ...shown } = info;
    const figures = statistics.flows.find(({ flow }) => flow === info.flow);
    const reported = info.state === 'running' ? Object.entries(figures?.counters ?? {}) : [];
    const counters = Object.fromEntries(reported.filter(([name]) => !name.endsWith(RATE_SUFFIX)));
    const key = `${app}/${info.flow}`;
    const before = this.#samples.get(key);
    const atMs = performance.now();
    const isUnchanged = before !== undefined && before.counters['published'] === counters['published'];
    const sample = { atMs, counters, changedAtMs: isUnchanged ? before.changedAtMs : atMs };
    const rates = { ...ratesOfCounters(before, sample), ...ratesOfProvider(statistics, info.flow) };
    this.#samples.set(key, sample);
    const { readers, lag, fill, holding } = summarizeReaders(statistics, info.flow);
    return {
      ...shown,
      counters,
      rates,
      ...(before === undefined ? {} : { quietS: (atMs - sample.changedAtMs) / 1_000 }),
      readers,
      ...(lag === undefined ? {} : { lag }),
      ...(fill === undefined ? {} : { fill }),
      holding: [...new Set([...holding, ...(info.holding ?? [])])],
    };
  }
}

function pictureOf({ state, cause, pid, bytes, flows }: RecorderInfo): NetworkRecorder {
  const sum = (member: 'buffers' | 'lost'): number => flows.reduce((total, flow) => total + flow[member], 0);
  return {
    state,
    ...(cause === undefined ? {} : { cause }),
    ...(pid === undefined ? {} : { pid }),
    bytes,
    buffers: sum('buffers'),
    lost: sum('lost'),
  };
}

/**
 * A local provider writes to the ring without its duplicator, which cannot count the bytes then;
 * the provider reports its own rate.
 */
function ratesOfProvider(statistics: ApplicationStatistics, flow: string): Record<string, number> {
  const provider = statistics.clients
    .flatMap(({ flows }) => flows)
    .find((usage) => usage.flow === flow && usage.direction === 'output');
  return provider?.bytesPerSecond === undefined ? {} : { publishedBytes: provider.bytesPerSecond };
}

/** Without the counters that are levels, such as a number of clients. */
function ratesOfCounters(before: CounterSample | undefined, after: CounterSample): Record<string, number> {
  if (before === undefined) return {};
  return Object.fromEntries(
    Object.entries(ratesBetween(before, after)).filter(([name]) => !GAUGES.has(name)),
  );
}

/** Rejects when the app server does not answer in time. */
async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the app server did not answer within ${ANSWER_TIMEOUT_MS} ms`)),
      ANSWER_TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
