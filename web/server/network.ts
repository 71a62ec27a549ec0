/**
 * The picture of the network that the network page and `/metrics` show: applications, their flows
 * and clients, with rates between two pictures. `Applications` requests one per second while pages
 * follow, and one per scrape. Asks each running app server through its client.
 */
import { hostname } from 'node:os';
import type { ApplicationInfo, Client, FlowInfo } from '../../client-lib/index.js';
import { describeError } from '../../protocol/base/errors.js';
import type { ApplicationStatistics } from '../../protocol/rpc/contract/figures.js';
import { standingOf } from '../../protocol/rpc/contract/standing.js';
import { LEVELS } from '../../protocol/flow/flow-file/counters.js';
import type { NetworkApplication, NetworkFlow, NetworkPicture } from '../wire/messages.js';

interface Look {
  readonly ms: number;
  readonly counters: Readonly<Record<string, number>>;
  /** When `published` was first seen as it is. */
  readonly changedMs: number;
}

const ANSWER_MS = 2_000;
const RATE_SUFFIX = 'PerSecond';

export class NetworkLooks {
  readonly #clientOf: (app: string) => Promise<Client>;
  readonly #looks = new Map<string, Look>();

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
      const client = await within(this.#clientOf(name));
      const [flows, statistics] = await within(Promise.all([client.flows(), client.applicationStatistics()]));
      return {
        ...summary,
        flows: flows.map((flow) => this.#flow(client.app, flow, statistics)),
        clients: statistics.clients,
      };
    } catch (error) {
      return { ...summary, flows: [], clients: [], problem: describeError(error) };
    }
  }

  #flow(app: string, info: FlowInfo, statistics: ApplicationStatistics): NetworkFlow {
    const { file: _file, image: _image, published: _published, clients: _clients, ...shown } = info;
    const figures = statistics.flows.find(({ flow }) => flow === info.flow);
    const told = info.state === 'running' ? Object.entries(figures?.counters ?? {}) : [];
    const counters = Object.fromEntries(told.filter(([name]) => !name.endsWith(RATE_SUFFIX)));
    const key = `${app}/${info.flow}`;
    const before = this.#looks.get(key);
    const ms = performance.now();
    const same = before !== undefined && before.counters['published'] === counters['published'];
    const look: Look = { ms, counters, changedMs: same ? before.changedMs : ms };
    const rates = { ...ratesBetween(before, look), ...ratesOfProvider(statistics, info.flow) };
    this.#looks.set(key, look);
    const { readers, lag, fill, holding } = standingOf(statistics, info.flow);
    return {
      ...shown,
      counters,
      rates,
      ...(before === undefined ? {} : { quietS: (ms - look.changedMs) / 1_000 }),
      readers,
      ...(lag === undefined ? {} : { lag }),
      ...(fill === undefined ? {} : { fill }),
      holding,
    };
  }
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

/** Per second, of each counter that did not go back. */
export function ratesBetween(before: Look | undefined, now: Look): Record<string, number> {
  const rates: Record<string, number> = {};
  if (before === undefined || now.ms <= before.ms) return rates;
  for (const [name, value] of Object.entries(now.counters)) {
    const then = before.counters[name];
    if (then === undefined || value < then || LEVELS.has(name)) continue;
    rates[name] = ((value - then) * 1_000) / (now.ms - before.ms);
  }
  return rates;
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the app server did not answer within ${ANSWER_MS} ms`)),
      ANSWER_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
