/** The network as a picture: applications, flows and clients with their rates between two looks. */
import { hostname } from 'node:os';
import type { ApplicationInfo, Client, FlowInfo } from '../../client-lib/index.js';
import { describeError } from '../../protocol/errors.js';
import type { NetworkApplication, NetworkFlow, NetworkPicture } from '../wire/messages.js';

interface Look {
  readonly ms: number;
  readonly counters: Readonly<Record<string, number>>;
}

const ANSWER_MS = 2_000;
/** Levels, which have no rate, and the rates that the server sends itself. */
const NO_RATE = new Set(['clients']);
const RATE_SUFFIX = 'PerSecond';

export class NetworkLooks {
  readonly #clientOf: (app: string) => Promise<Client>;
  readonly #looks = new Map<string, Look>();

  constructor(clientOf: (app: string) => Promise<Client>) {
    this.#clientOf = clientOf;
  }

  /** Never throws: an application that does not answer is in the picture with its problem. */
  async picture(applications: readonly ApplicationInfo[], hostServer: boolean): Promise<NetworkPicture> {
    const found = await Promise.all(applications.map((application) => this.#application(application)));
    return { host: hostname(), hostServer, atMs: Date.now(), applications: found };
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
      const [flows, clients] = await within(Promise.all([client.flows(), client.clients()]));
      return {
        ...summary,
        flows: await within(Promise.all(flows.map((flow) => this.#flow(client, flow)))),
        clients: clients.map(({ name: client, program, pid, connected, flows }) => ({
          name: client,
          program,
          pid,
          connected,
          flows,
        })),
      };
    } catch (error) {
      return { ...summary, flows: [], clients: [], problem: describeError(error) };
    }
  }

  async #flow(client: Client, info: FlowInfo): Promise<NetworkFlow> {
    const { file: _file, image: _image, published: _published, clients: _clients, ...shown } = info;
    const all: Record<string, number> =
      info.state === 'running' ? await client.statistics(info.flow).catch(() => ({})) : {};
    const counters = Object.fromEntries(Object.entries(all).filter(([name]) => !name.endsWith(RATE_SUFFIX)));
    const key = `${client.app}/${info.flow}`;
    const look: Look = { ms: performance.now(), counters };
    const rates = ratesBetween(this.#looks.get(key), look);
    this.#looks.set(key, look);
    return { ...shown, counters, rates };
  }
}

/** Per second, of each counter that did not go back. */
export function ratesBetween(before: Look | undefined, now: Look): Record<string, number> {
  const rates: Record<string, number> = {};
  if (before === undefined || now.ms <= before.ms) return rates;
  for (const [name, value] of Object.entries(now.counters)) {
    const then = before.counters[name];
    if (then === undefined || value < then || NO_RATE.has(name)) continue;
    rates[name] = ((value - then) * 1_000) / (now.ms - before.ms);
  }
  return rates;
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it does not answer')), ANSWER_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
