/**
 * Statistics and network status of the application, collected on demand: calls every client and
 * every duplicator (the process that owns a flow's file) at once and joins their figures by
 * opening. Called by the handlers beside it; makes XML-RPC calls on existing connections and reads
 * the headers of flow files.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { RateMeter } from '../../protocol/base/rates.js';
import type {
  ApplicationStatistics,
  ClientReport,
  ClientStatistics,
  DuplicatorStatistics,
  FlowStatistics,
  NetworkStatus,
  ProgramInfo,
} from '../../protocol/rpc/contract/statistics.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type { FlowInfo } from '../../protocol/rpc/contract/shapes.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { figuresOf, type ConsumersOfFile } from './flow-consumers.js';
import type { Client, Clients } from '../clients/clients.js';
import type { FlowTable } from '../flows/flow-table.js';
import type { Flows } from '../flows/flows.js';
import type { Opening } from '../flows/openings.js';

/** A process that does not answer within this time is marked so, and its figures are left out. */
const ANSWER_TIMEOUT_MS = 1_000;

export interface StatisticsDependencies {
  /** Name of the application. */
  readonly application: string;
  readonly clients: Clients;
  readonly flows: Flows;
  readonly programs: () => ProgramInfo[];
  readonly clock: Clock;
}

type LinkFigures = DuplicatorStatistics['links'][number];
type ReportedFlow = ClientReport['flows'][number];

export class StatisticsCollector {
  readonly #dependencies: StatisticsDependencies;
  readonly #rates = new WeakMap<Opening, RateMeter>();

  constructor(dependencies: StatisticsDependencies) {
    this.#dependencies = dependencies;
  }

  async application(): Promise<ApplicationStatistics> {
    const [reports, figures] = await Promise.all([
      this.#reportsOf(this.#dependencies.clients.list()),
      this.#duplicatorFigures(),
    ]);
    return {
      collectedAt: new Date(),
      clients: [...reports].map(([client, report]) => this.#clientStatistics(client, report, figures)),
      flows: [...figures].map(([flow, answer]) => this.#flowFigures(flow, answer)),
    };
  }

  /** Statistics of the clients of one name. Rejects with UNKNOWN_CLIENT. */
  async client(name: string): Promise<ClientStatistics[]> {
    const [reports, figures] = await Promise.all([
      this.#reportsOf(this.#dependencies.clients.named(name)),
      this.#duplicatorFigures(),
    ]);
    return [...reports].map(([client, report]) => this.#clientStatistics(client, report, figures));
  }

  async network(): Promise<NetworkStatus> {
    const { application, clients, flows, programs } = this.#dependencies;
    const figures = await this.#duplicatorFigures();
    return {
      application,
      clients: clients.list().map((client) => {
        const { name, program, pid } = client.presentation;
        const openings = flows.openings.ofClient(client);
        const of = (direction: Opening['direction']): string[] =>
          openings.filter((opening) => opening.direction === direction).map(({ flow }) => flow);
        const connected = client.connection !== undefined;
        return { name, program, pid, connected, provides: of('output'), consumes: of('input') };
      }),
      flows: flows.table.list().map((info) => this.#flowStatus(info, figures.get(info.flow))),
      programs: programs(),
    };
  }

  #flowStatus(info: FlowInfo, figures: DuplicatorStatistics | undefined): NetworkStatus['flows'][number] {
    const openings = this.#dependencies.flows.openings.ofFlow(info.flow);
    const nameOf = ({ client }: Opening): string => client.presentation.name;
    const provider = openings.find(({ direction }) => direction === 'output');
    return {
      flow: info.flow,
      type: info.type,
      state: info.state,
      answered: figures !== undefined,
      ...(info.pid === undefined ? {} : { duplicator: info.pid }),
      ...(info.source === undefined ? {} : { source: info.source }),
      ...(provider === undefined ? {} : { provider: nameOf(provider) }),
      consumers: openings.filter(({ direction }) => direction === 'input').map(nameOf),
      holding: openings.filter((opening) => linkOf(opening, figures)?.holding === true).map(nameOf),
    };
  }

  async #reportsOf(clients: readonly Client[]): Promise<Map<Client, ClientReport | undefined>> {
    const reports = clients.map(async (client): Promise<[Client, ClientReport | undefined]> => {
      if (client.connection === undefined) return [client, undefined];
      const call = callerOf(CONTRACT, client.connection);
      return [client, await answerOf(call('client.report', [], { timeoutMs: ANSWER_TIMEOUT_MS }))];
    });
    return new Map(await Promise.all(reports));
  }

  /** An entry for every flow; undefined where the duplicator does not run or does not answer. */
  async #duplicatorFigures(): Promise<Map<string, DuplicatorStatistics | undefined>> {
    const { table, duplicators } = this.#dependencies.flows;
    const figures = table
      .list()
      .map(async ({ flow }): Promise<[string, DuplicatorStatistics | undefined]> => {
        const connection = duplicators.connectionOf(flow);
        if (connection === undefined) return [flow, undefined];
        const call = callerOf(CONTRACT, connection);
        return [flow, await answerOf(call('duplicator.statistics', [], { timeoutMs: ANSWER_TIMEOUT_MS }))];
      });
    return new Map(await Promise.all(figures));
  }

  #clientStatistics(
    client: Client,
    report: ClientReport | undefined,
    figures: ReadonlyMap<string, DuplicatorStatistics | undefined>,
  ): ClientStatistics {
    const { name, program, pid } = client.presentation;
    return {
      name,
      program,
      pid,
      connected: client.connection !== undefined,
      answered: report !== undefined,
      flows: this.#dependencies.flows.openings
        .ofClient(client)
        .map((opening) => this.#usageOf(opening, report, figures.get(opening.flow))),
    };
  }

  #usageOf(
    opening: Opening,
    report: ClientReport | undefined,
    figures: DuplicatorStatistics | undefined,
  ): ClientStatistics['flows'][number] {
    const openingReport = report?.flows.find(({ handle }) => handle === opening.handle);
    return {
      flow: opening.flow,
      direction: opening.direction,
      ...(openingReport === undefined ? {} : this.#countsOf(opening, openingReport)),
      ...this.#fileCounts(opening),
      ...linkCounts(linkOf(opening, figures)),
    };
  }

  /** From the flow file: also while the duplicator does not answer. */
  #fileCounts(opening: Opening) {
    const { rows, published } = consumersIn(this.#dependencies.flows.table, opening.flow);
    const row = rows.find(({ client, remote }) => !remote && client === opening.link);
    if (row === undefined || opening.direction === 'output') return {};
    const { remote: _remote, ...figures } = figuresOf(row, published);
    return figures;
  }

  #countsOf(opening: Opening, { handle: _handle, ...counts }: ReportedFlow) {
    const meter = this.#rates.get(opening) ?? new RateMeter();
    this.#rates.set(opening, meter);
    const { buffers, bytes } = meter.sample(this.#dependencies.clock.nowMs(), {
      buffers: counts.buffers,
      bytes: counts.bytes,
    });
    return {
      ...counts,
      ...(buffers === undefined ? {} : { buffersPerSecond: buffers }),
      ...(bytes === undefined ? {} : { bytesPerSecond: bytes }),
    };
  }

  #flowFigures(flow: string, figures: DuplicatorStatistics | undefined): FlowStatistics {
    const { table, openings } = this.#dependencies.flows;
    return {
      flow,
      state: table.inquire(flow).state,
      answered: figures !== undefined,
      counters: countersOf(table, flow),
      links: (figures?.links ?? []).map((link) => withClientName(link, openings.ofFlow(flow))),
    };
  }
}

function linkOf(opening: Opening, figures: DuplicatorStatistics | undefined): LinkFigures | undefined {
  return figures?.links.find(({ client }) => client === opening.link);
}

function withClientName(
  { client, ...link }: LinkFigures,
  openings: readonly Opening[],
): FlowStatistics['links'][number] {
  const opening = openings.find(({ link }) => link === client);
  return opening === undefined ? link : { client: opening.client.presentation.name, ...link };
}

function linkCounts(link: LinkFigures | undefined) {
  if (link === undefined) return {};
  const { role: _role, client: _client, ...counts } = link;
  return counts;
}

/** Undefined when the call fails or times out. */
async function answerOf<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch {
    return undefined;
  }
}

/** No rows when the flow file cannot be read; `flow.consumers` reports the reason. */
function consumersIn(table: FlowTable, flow: string): ConsumersOfFile {
  try {
    return table.consumers(flow);
  } catch {
    return { rows: [], published: 0 };
  }
}

/** Empty when the flow file cannot be read; `flow.statistics` reports the reason. */
function countersOf(table: FlowTable, flow: string): Record<string, number> {
  try {
    return table.statistics(flow);
  } catch {
    return {};
  }
}
