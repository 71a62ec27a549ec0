/**
 * `mirrorflow top`: shows every application and flow of this host, or of all hosts, live.
 *
 * Once per interval it asks the host server and, as a client, each application's app server.
 */
import type { CounterSample } from '../../protocol/base/rates.js';
import type { ApplicationInfo, ApplicationStatistics, Client } from '../../client-lib/index.js';
import { summarizeReaders, type ReaderSummary } from '../../protocol/rpc/contract/reader-summary.js';
import { describeError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import { flowRates } from '../flow-statistics.js';
import { numberValue } from '../option-values.js';
import { formatByteRate, formatCount, formatDuration, formatRate } from '../../plotting/numbers.js';
import { withHost } from '../servers.js';

const INTERVAL_MS = { min: 100, max: 3_600_000 };

export const topCommand = command({
  name: 'top',
  summary:
    'show every application and flow of this host, or of all, live: rates, states, how far readers are behind, which consumers hold a flow back',
  positionals: {},
  options: {
    all: { type: 'boolean', describe: 'show those of all hosts of the network' },
    interval: { type: 'string', default: '1000', describe: 'milliseconds between two updates' },
  },
  examples: [
    ['top', 'live, until q or Ctrl-C'],
    ['top --all', 'the same with the host in front'],
    ['top --json', 'a line of JSON per update'],
  ],
  async run(context, { all, interval }) {
    const intervalMs = numberValue('interval', interval, INTERVAL_MS);
    const monitor = new FlowMonitor(context, all === true);
    try {
      await monitor.update();
      if (context.output.json) {
        const { everyInterval } = await import('../watch.js');
        return await everyInterval(context, intervalMs, async () => {
          context.output.value(monitor.record());
          await monitor.update();
        });
      }
      const { watch } = await import('../watch.js');
      await watch(context, {
        intervalMs,
        changed: () => true,
        paint: async () => {
          await monitor.update();
          return monitor.lines();
        },
      });
    } finally {
      await monitor.close();
    }
  },
});

interface FlowSample extends CounterSample {
  /** Time at which `published` reached its present value, milliseconds. */
  readonly changedMs: number;
}

interface FlowLine extends ReaderSummary {
  /** Host of the flow; only with `--all`. */
  readonly host?: string;
  readonly app: string;
  readonly flow: string;
  readonly state: string;
  readonly clients: number;
  readonly restarts: number;
  readonly published: number;
  readonly rates: Readonly<Record<string, number>>;
  /** Mean time from a request to the source to the end of its reply, since the last sample. */
  readonly replyMs: number | undefined;
  /** Seconds without a publication, since this command started at most. */
  readonly quietS: number | undefined;
  readonly cause: string | undefined;
}

type StatisticsOfHost = Omit<ApplicationStatistics, 'elsewhere'>;

/** An application's flows on this host, and those on other hosts. */
interface ApplicationLines {
  readonly lines: readonly FlowLine[];
  readonly elsewhere: readonly FlowLine[];
}

/** Samples all applications; a line shows the error of an application that does not answer. */
class FlowMonitor {
  readonly #context: CommandContext;
  readonly #clients = new Map<string, Client>();
  readonly #previous = new Map<string, FlowSample>();
  readonly #all: boolean;
  #lines: FlowLine[] = [];
  #problem: string | undefined;

  constructor(context: CommandContext, all: boolean) {
    this.#context = context;
    this.#all = all;
  }

  async update(): Promise<void> {
    try {
      this.#lines = this.#all ? await this.#ofAllHosts() : await this.#ofThisHost();
      this.#problem = undefined;
    } catch (error) {
      // Only the first update fails: later a host server that does not answer is shown as a
      // problem.
      if (this.#lines.length === 0) throw error;
      this.#problem = describeError(error);
    }
  }

  async #ofThisHost(): Promise<FlowLine[]> {
    const applications = await withHost(this.#context, (host) => host.applications());
    const answers = await Promise.all(applications.map((application) => this.#ofApplication(application)));
    return answers.flatMap(({ lines }) => lines);
  }

  /** The lines of every host; those of other hosts come through the applications that run here. */
  async #ofAllHosts(): Promise<FlowLine[]> {
    const hosts = await withHost(this.#context, (host) => host.network());
    const ownApplications = hosts.find(({ own }) => own)?.applications ?? [];
    const answers = await Promise.all(ownApplications.map((application) => this.#ofApplication(application)));
    const remoteLines = answers.flatMap(({ elsewhere }) => elsewhere);
    return hosts.flatMap(({ host = '?', own, applications }) => {
      if (own) return answers.flatMap(({ lines }) => lines).map((line) => Object.assign({ host }, line));
      return applications.flatMap(({ name, state, restarts, cause }) => {
        const lines = remoteLines.filter((line) => line.host === host && line.app === name);
        return lines.length > 0 ? lines : [{ host, ...withoutFlow(name, state, restarts, cause) }];
      });
    });
  }

  async #ofApplication({ name, state, restarts, cause }: ApplicationInfo): Promise<ApplicationLines> {
    const emptyLine = withoutFlow(name, state, restarts, cause);
    if (state !== 'running') return { lines: [emptyLine], elsewhere: [] };
    try {
      const { lines, elsewhere } = await this.#flows(name);
      return { lines: lines.length > 0 ? lines : [emptyLine], elsewhere };
    } catch (error) {
      return { lines: [{ ...emptyLine, state: 'no answer', cause: describeError(error) }], elsewhere: [] };
    }
  }

  record() {
    return { time: new Date().toISOString(), flows: this.#lines, problem: this.#problem };
  }

  lines(): string[] {
    const { output } = this.#context;
    const live = this.#lines.filter(({ state }) => state === 'live').length;
    const head = `${output.styled('mirrorflow top', 'bold')}  ${live} of ${this.#lines.length} live  ${new Date().toTimeString().slice(0, 8)}`;
    const right = { align: 'right' } as const;
    const table = output.tableLines(
      [
        ...(this.#all ? [{ header: 'host' }] : []),
        { header: 'application' },
        { header: 'flow' },
        { header: 'state' },
        { header: 'published', ...right },
        { header: 'buffers', ...right },
        { header: 'data', ...right },
        { header: 'received', ...right },
        { header: 'reply', ...right },
        { header: 'stalls', ...right },
        { header: 'behind', ...right },
        { header: 'history', ...right },
        { header: 'clients', ...right },
        { header: 'restarts', ...right },
      ],
      this.#lines.map(
        ({ host, app, flow, state, published, rates, replyMs, lag, fill, clients, restarts, quietS }) => [
          ...(this.#all ? [host ?? ''] : []),
          app,
          flow,
          state === 'stale' && quietS !== undefined ? `stale ${formatDuration(quietS * 1000)}` : state,
          flow === '' ? '' : formatCount(published),
          rate(rates['published'], formatRate),
          rate(rates['publishedBytes'], formatByteRate),
          rate(rates['receivedBytes'], formatByteRate),
          replyMs === undefined ? '' : formatDuration(replyMs),
          rate(rates['stalls'], formatRate),
          lag === undefined ? '' : formatCount(lag),
          fill === undefined ? '' : `${Math.round(fill * 100)} %`,
          String(clients),
          String(restarts),
        ],
      ),
      'No applications; start one with `mirrorflow run NAME --spectcl ADDRESS`.',
    );
    const where = ({ host }: FlowLine): string => (host === undefined ? '' : `${host}: `);
    const causes = this.#lines.flatMap((line) =>
      line.cause === undefined ? [] : [`${where(line)}${line.app}: ${line.cause}`],
    );
    const holders = this.#lines.flatMap((line) =>
      line.holding.length === 0
        ? []
        : [`${where(line)}${line.app}/${line.flow} is held back by ${line.holding.join(', ')}`],
    );
    const problem = this.#problem === undefined ? [] : [output.styled(this.#problem, 'red')];
    return [head, ...table, ...holders, ...causes, ...problem];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #flows(app: string): Promise<ApplicationLines> {
    const client = await this.#client(app);
    const [flows, { elsewhere = [], ...here }] = await Promise.all([
      client.flows(),
      client.applicationStatistics({ everywhere: this.#all }),
    ]);
    const lines = flows.map(({ flow, state, sourceState, restarts, cause }) =>
      Object.assign(this.#line('', app, flow, here), {
        state: state === 'running' ? (sourceState ?? state) : state,
        restarts,
        cause,
      }),
    );
    const others = elsewhere.flatMap(({ host, ...statistics }) =>
      statistics.flows.map(({ flow }) => Object.assign(this.#line(host, app, flow, statistics), { host })),
    );
    return { lines, elsewhere: others };
  }

  /** The line of a flow from the statistics of a host. */
  #line(host: string, app: string, flow: string, statistics: StatisticsOfHost): FlowLine {
    const figures = statistics.flows.find((candidate) => candidate.flow === flow);
    const state = figures?.state ?? 'running';
    const counters = figures?.counters ?? {};
    const { rates, quietS } = this.#since(`${host}:${app}/${flow}`, state === 'running' ? counters : {});
    const { updates = 0, updateNs = 0 } = rates;
    return {
      ...summarizeReaders(statistics, flow),
      app,
      flow,
      state,
      clients: statistics.clients.filter(({ flows }) => flows.some((open) => open.flow === flow)).length,
      restarts: 0,
      published: counters['published'] ?? 0,
      rates,
      replyMs: updates > 0 ? updateNs / updates / 1e6 : undefined,
      quietS,
      cause: undefined,
    };
  }

  /** Rates and quiet time of a flow since the previous sample. */
  #since(key: string, counters: CounterSample['counters']) {
    const previous = this.#previous.get(key);
    const atMs = performance.now();
    const same = previous !== undefined && previous.counters['published'] === counters['published'];
    const sample: FlowSample = { atMs, counters, changedMs: same ? previous.changedMs : atMs };
    this.#previous.set(key, sample);
    return {
      rates: flowRates(sample, previous),
      quietS: previous === undefined ? undefined : (atMs - sample.changedMs) / 1000,
    };
  }

  async #client(app: string): Promise<Client> {
    const existing = this.#clients.get(app);
    if (existing?.connected === true) return existing;
    await existing?.close();
    const { connect } = await import('../../client-lib/index.js');
    const { directory } = this.#context;
    const client = await connect({ app, name: 'top', program: 'mirrorflow top', start: false, directory });
    this.#clients.set(app, client);
    return client;
  }
}

function rate(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '' : format(value);
}

/** The line of an application without flows, or of one that gave no answer. */
function withoutFlow(app: string, state: string, restarts: number, cause: string | undefined): FlowLine {
  const nothing = { replyMs: undefined, quietS: undefined, lag: undefined, fill: undefined };
  const idle = { clients: 0, readers: 0, published: 0, rates: {}, holding: [] };
  return { app, flow: '', state, restarts, cause, ...idle, ...nothing };
}
