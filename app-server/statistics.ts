/**
 * Statistics and network status, collected on demand: every client and duplicator is asked at once,
 * and none is waited for long.
 */
import type { Clock } from '../protocol/base/clock.js';
import type {
  ApplicationStatistics,
  ClientReport,
  ClientStatistics,
  DuplicatorFigures,
  FlowFigures,
  NetworkStatus,
  ProgramInfo,
} from '../protocol/rpc/contract/figures.js';
import { CONTRACT } from '../protocol/rpc/contract/methods.js';
import type { FlowInfo } from '../protocol/rpc/contract/shapes.js';
import { callerOf } from '../protocol/rpc/xml-rpc/contract.js';
import type { Client, Clients } from './clients/clients.js';
import type { Flows } from './flows/flows.js';
import { RateMeter } from '../protocol/base/rates.js';
import type { Opening } from './flows/openings.js';

/** Who does not answer within this time is marked. */
const ANSWER_WITHIN_MS = 1_000;

export interface StatisticsDependencies {
  readonly application: string;
  readonly clients: Clients;
  readonly flows: Flows;
  readonly programs: () => ProgramInfo[];
  readonly clock: Clock;
}

type LinkFigures = DuplicatorFigures['links'][number];
type ReportedFlow = ClientReport['flows'][number];

export class StatisticsCollector {
  readonly #around: StatisticsDependencies;
  readonly #rates = new WeakMap<Opening, RateMeter>();

  constructor(around: StatisticsDependencies) {
    this.#around = around;
  }

  async application(): Promise<ApplicationStatistics> {
    const [reports, figures] = await Promise.all([
      this.#reports(this.#around.clients.list()),
      this.#figures(),
    ]);
    return {
      collectedAt: new Date(),
      clients: [...reports].map(([client, report]) => this.#statisticsOf(client, report, figures)),
      flows: [...figures].map(([flow, found]) => this.#figuresOf(flow, found)),
    };
  }

  /** Throws UNKNOWN_CLIENT. */
  async client(name: string): Promise<ClientStatistics[]> {
    const [reports, figures] = await Promise.all([
      this.#reports(this.#around.clients.named(name)),
      this.#figures(),
    ]);
    return [...reports].map(([client, report]) => this.#statisticsOf(client, report, figures));
  }

  async network(): Promise<NetworkStatus> {
    const { application, clients, flows, programs } = this.#around;
    const figures = await this.#figures();
    return {
      application,
      clients: clients.list().map((client) => {
        const { name, program, pid } = client.presentation;
        const openings = flows.openingsOf(client);
        const of = (direction: Opening['direction']): string[] =>
          openings.filter((opening) => opening.direction === direction).map(({ flow }) => flow);
        const connected = client.connection !== undefined;
        return { name, program, pid, connected, provides: of('output'), consumes: of('input') };
      }),
      flows: flows.list().map((info) => this.#flowStatus(info, figures.get(info.flow))),
      programs: programs(),
    };
  }

  #flowStatus(info: FlowInfo, found: DuplicatorFigures | undefined): NetworkStatus['flows'][number] {
    const openings = this.#around.flows.openingsOfFlow(info.flow);
    const nameOf = ({ client }: Opening): string => client.presentation.name;
    const provider = openings.find(({ direction }) => direction === 'output');
    return {
      flow: info.flow,
      type: info.type,
      state: info.state,
      answered: found !== undefined,
      ...(info.pid === undefined ? {} : { duplicator: info.pid }),
      ...(info.source === undefined ? {} : { source: info.source }),
      ...(provider === undefined ? {} : { provider: nameOf(provider) }),
      consumers: openings.filter(({ direction }) => direction === 'input').map(nameOf),
      holding: openings.filter((opening) => linkOf(opening, found)?.holding === true).map(nameOf),
    };
  }

  async #reports(clients: readonly Client[]): Promise<Map<Client, ClientReport | undefined>> {
    const asked = clients.map(async (client): Promise<[Client, ClientReport | undefined]> => {
      if (client.connection === undefined) return [client, undefined];
      const call = callerOf(CONTRACT, client.connection);
      return [client, await answerOf(call('client.report', [], { timeoutMs: ANSWER_WITHIN_MS }))];
    });
    return new Map(await Promise.all(asked));
  }

  /** Of each flow, whether or not its duplicator answers. */
  async #figures(): Promise<Map<string, DuplicatorFigures | undefined>> {
    const { flows } = this.#around;
    const asked = flows.list().map(async ({ flow }): Promise<[string, DuplicatorFigures | undefined]> => {
      const connection = flows.duplicators.of(flow);
      if (connection === undefined) return [flow, undefined];
      const call = callerOf(CONTRACT, connection);
      return [flow, await answerOf(call('duplicator.statistics', [], { timeoutMs: ANSWER_WITHIN_MS }))];
    });
    return new Map(await Promise.all(asked));
  }

  #statisticsOf(
    client: Client,
    report: ClientReport | undefined,
    figures: ReadonlyMap<string, DuplicatorFigures | undefined>,
  ): ClientStatistics {
    const { name, program, pid } = client.presentation;
    return {
      name,
      program,
      pid,
      connected: client.connection !== undefined,
      answered: report !== undefined,
      flows: this.#around.flows
        .openingsOf(client)
        .map((opening) => this.#usageOf(opening, report, figures.get(opening.flow))),
    };
  }

  #usageOf(
    opening: Opening,
    report: ClientReport | undefined,
    figures: DuplicatorFigures | undefined,
  ): ClientStatistics['flows'][number] {
    const counted = report?.flows.find(({ handle }) => handle === opening.handle);
    return {
      flow: opening.flow,
      direction: opening.direction,
      ...(counted === undefined ? {} : this.#countsOf(opening, counted)),
      ...linkCounts(linkOf(opening, figures)),
    };
  }

  #countsOf(opening: Opening, { handle: _handle, ...counts }: ReportedFlow) {
    const meter = this.#rates.get(opening) ?? new RateMeter();
    this.#rates.set(opening, meter);
    const { buffers, bytes } = meter.sample(this.#around.clock.nowMs(), {
      buffers: counts.buffers,
      bytes: counts.bytes,
    });
    return {
      ...counts,
      ...(buffers === undefined ? {} : { buffersPerSecond: buffers }),
      ...(bytes === undefined ? {} : { bytesPerSecond: bytes }),
    };
  }

  #figuresOf(flow: string, found: DuplicatorFigures | undefined): FlowFigures {
    const { flows } = this.#around;
    const openings = flows.openingsOfFlow(flow);
    return {
      flow,
      state: flows.inquire(flow).state,
      answered: found !== undefined,
      counters: countersOf(flows, flow),
      links: (found?.links ?? []).map((link) => withName(link, openings)),
    };
  }
}

function linkOf(opening: Opening, figures: DuplicatorFigures | undefined): LinkFigures | undefined {
  return figures?.links.find(({ client }) => client === opening.link);
}

function withName(
  { client, ...link }: LinkFigures,
  openings: readonly Opening[],
): FlowFigures['links'][number] {
  const opening = openings.find(({ link }) => link === client);
  return opening === undefined ? link : { client: opening.client.presentation.name, ...link };
}

function linkCounts(link: LinkFigures | undefined) {
  if (link === undefined) return {};
  const { role: _role, client: _client, ...counts } = link;
  return counts;
}

/** Undefined for whoever does not answer, or not in time. */
async function answerOf<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch {
    return undefined;
  }
}

/** Empty when the flow file cannot be read: `flow.statistics` tells why. */
function countersOf(flows: Flows, flow: string): Record<string, number> {
  try {
    return flows.statistics(flow);
  } catch {
    return {};
  }
}
