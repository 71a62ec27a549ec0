/** `mirrorflow top`: every application and flow of this host, or of all hosts, live. */
import type { ApplicationInfo, ApplicationStatistics, Client } from '../../client-lib/index.js';
import { standingOf, type FlowStanding } from '../../protocol/rpc/contract/standing.js';
import { describeError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import { ratesBetween, type Look } from '../flow-statistics.js';
import { numberValue } from '../option-values.js';
import { formatByteRate, formatCount, formatDuration, formatRate } from '../../plotting/numbers.js';
import { withHost } from '../servers.js';

const INTERVAL_MS = { min: 100, max: 3_600_000 };

export const topCommand = command({
  name: 'top',
  summary:
    'shows every application and flow of this host, or of all, live: rates, states, how far readers are behind, who holds whom back',
  positionals: {},
  options: {
    all: { type: 'boolean', describe: 'those of all hosts of the network' },
    interval: { type: 'string', default: '1000', describe: 'milliseconds between two looks' },
  },
  examples: [
    ['top', 'live, until q or Ctrl-C'],
    ['top --all', 'the same with the host in front'],
    ['top --json', 'a line of JSON for every look, for a program'],
  ],
  async run(context, { all, interval }) {
    const intervalMs = numberValue('interval', interval, INTERVAL_MS);
    const looks = new HostLooks(context, all === true);
    try {
      await looks.look();
      if (context.output.json) {
        const { everyInterval } = await import('../watch.js');
        return await everyInterval(context, intervalMs, async () => {
          context.output.value(looks.record());
          await looks.look();
        });
      }
      const { watch } = await import('../watch.js');
      await watch(context, {
        intervalMs,
        changed: () => true,
        paint: async () => {
          await looks.look();
          return looks.lines();
        },
      });
    } finally {
      await looks.close();
    }
  },
});

interface Seen extends Look {
  /** When `published` was first seen as it is. */
  readonly changedMs: number;
}

interface FlowLine extends FlowStanding {
  /** Where it is; only when all hosts are looked at. */
  readonly host?: string;
  readonly app: string;
  readonly flow: string;
  readonly state: string;
  readonly clients: number;
  readonly restarts: number;
  readonly published: number;
  readonly rates: Readonly<Record<string, number>>;
  /**
   * Time from asking the source to the end of its reply, on average since the last look,
   * milliseconds.
   */
  readonly replyMs: number | undefined;
  /** Seconds since something was published, as far as it was looked at. */
  readonly quietS: number | undefined;
  readonly cause: string | undefined;
}

type StatisticsOfHost = Omit<ApplicationStatistics, 'elsewhere'>;

/** An application's flows on this host, and those that it tells of other hosts. */
interface ApplicationLook {
  readonly lines: readonly FlowLine[];
  readonly elsewhere: readonly FlowLine[];
}

/** Looks at everything; what does not answer is told in its line. */
class HostLooks {
  readonly #context: CommandContext;
  readonly #clients = new Map<string, Client>();
  readonly #before = new Map<string, Seen>();
  readonly #all: boolean;
  #lines: FlowLine[] = [];
  #problem: string | undefined;

  constructor(context: CommandContext, all: boolean) {
    this.#context = context;
    this.#all = all;
  }

  async look(): Promise<void> {
    try {
      this.#lines = this.#all ? await this.#ofAllHosts() : await this.#ofThisHost();
      this.#problem = undefined;
    } catch (error) {
      // At the first look it is an error; while watching, a host server that is away is a state.
      if (this.#lines.length === 0) throw error;
      this.#problem = describeError(error);
    }
  }

  async #ofThisHost(): Promise<FlowLine[]> {
    const applications = await withHost(this.#context, (host) => host.applications());
    const looks = await Promise.all(applications.map((application) => this.#ofApplication(application)));
    return looks.flatMap(({ lines }) => lines);
  }

  /** Every host's lines; what other hosts tell comes through the applications that run here. */
  async #ofAllHosts(): Promise<FlowLine[]> {
    const hosts = await withHost(this.#context, (host) => host.network());
    const here = hosts.find(({ own }) => own)?.applications ?? [];
    const looks = await Promise.all(here.map((application) => this.#ofApplication(application)));
    const told = looks.flatMap(({ elsewhere }) => elsewhere);
    return hosts.flatMap(({ host = '?', own, applications }) => {
      if (own) return looks.flatMap(({ lines }) => lines).map((line) => Object.assign({ host }, line));
      return applications.flatMap(({ name, state, restarts, cause }) => {
        const lines = told.filter((line) => line.host === host && line.app === name);
        return lines.length > 0 ? lines : [{ host, ...withoutFlow(name, state, restarts, cause) }];
      });
    });
  }

  async #ofApplication({ name, state, restarts, cause }: ApplicationInfo): Promise<ApplicationLook> {
    const silent = withoutFlow(name, state, restarts, cause);
    if (state !== 'running') return { lines: [silent], elsewhere: [] };
    try {
      const { lines, elsewhere } = await this.#flows(name);
      return { lines: lines.length > 0 ? lines : [silent], elsewhere };
    } catch (error) {
      return { lines: [{ ...silent, state: 'no answer', cause: describeError(error) }], elsewhere: [] };
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
    const held = this.#lines.flatMap((line) =>
      line.holding.length === 0
        ? []
        : [`${where(line)}${line.app}/${line.flow} is held back by ${line.holding.join(', ')}`],
    );
    const problem = this.#problem === undefined ? [] : [output.styled(this.#problem, 'red')];
    return [head, ...table, ...held, ...causes, ...problem];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #flows(app: string): Promise<ApplicationLook> {
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

  /** What the statistics of a host tell of a flow. */
  #line(host: string, app: string, flow: string, statistics: StatisticsOfHost): FlowLine {
    const found = statistics.flows.find((one) => one.flow === flow);
    const state = found?.state ?? 'running';
    const counters = found?.counters ?? {};
    const { rates, quietS } = this.#since(`${host}:${app}/${flow}`, state === 'running' ? counters : {});
    const { updates = 0, updateNs = 0 } = rates;
    return {
      ...standingOf(statistics, flow),
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

  /** What became of a flow since the look before. */
  #since(key: string, counters: Look['counters']) {
    const before = this.#before.get(key);
    const atMs = performance.now();
    const same = before !== undefined && before.counters['published'] === counters['published'];
    const look: Seen = { atMs, counters, changedMs: same ? before.changedMs : atMs };
    this.#before.set(key, look);
    return {
      rates: ratesBetween(look, before),
      quietS: before === undefined ? undefined : (atMs - look.changedMs) / 1000,
    };
  }

  async #client(app: string): Promise<Client> {
    const known = this.#clients.get(app);
    if (known?.connected === true) return known;
    await known?.close();
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

/** The line of an application that has no flow, or of which nothing more is known. */
function withoutFlow(app: string, state: string, restarts: number, cause: string | undefined): FlowLine {
  const nothing = { replyMs: undefined, quietS: undefined, lag: undefined, fill: undefined };
  const none = { clients: 0, readers: 0, published: 0, rates: {}, holding: [] };
  return { app, flow: '', state, restarts, cause, ...none, ...nothing };
}
