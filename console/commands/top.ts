/** `mirrorflow top`: every application and flow of this host, live. */
import type { Client } from '../../client-lib/index.js';
import { standingOf, type FlowStanding } from '../../protocol/contract/standing.js';
import { describeError } from '../../protocol/errors.js';
import { command, type CommandContext } from '../command.js';
import { ratesBetween, type Look } from '../flow-statistics.js';
import { numberValue } from '../option-values.js';
import { formatByteRate, formatCount, formatDuration, formatRate } from '../render/numbers.js';
import { withHost } from '../servers.js';

const INTERVAL_MS = { min: 100, max: 3_600_000 };

export const topCommand = command({
  name: 'top',
  summary:
    'shows every application and flow of this host, live: rates, states, how far readers are behind, who holds whom back',
  positionals: {},
  options: {
    interval: { type: 'string', default: '1000', describe: 'milliseconds between two looks' },
  },
  examples: [
    ['top', 'live, until q or Ctrl-C'],
    ['top --json', 'a line of JSON for every look, for a program'],
  ],
  async run(context, { interval }) {
    const intervalMs = numberValue('interval', interval, INTERVAL_MS);
    const looks = new HostLooks(context);
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
  readonly app: string;
  readonly flow: string;
  readonly state: string;
  readonly clients: number;
  readonly restarts: number;
  readonly published: number;
  readonly rates: Readonly<Record<string, number>>;
  /** Time from asking the source to the end of its reply, on average since the last look, milliseconds. */
  readonly replyMs: number | undefined;
  /** Seconds since something was published, as far as it was looked at. */
  readonly quietS: number | undefined;
  readonly cause: string | undefined;
}

/** Looks at everything; what does not answer is told in its line. */
class HostLooks {
  readonly #context: CommandContext;
  readonly #clients = new Map<string, Client>();
  readonly #before = new Map<string, Seen>();
  #lines: FlowLine[] = [];
  #problem: string | undefined;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async look(): Promise<void> {
    try {
      const applications = await withHost(this.#context, (host) => host.applications());
      const lines = await Promise.all(
        applications.map(async ({ name, state, restarts, cause }) => {
          const silent = withoutFlow(name, state, restarts, cause);
          if (state !== 'running') return [silent];
          try {
            const flows = await this.#flows(name);
            return flows.length > 0 ? flows : [silent];
          } catch (error) {
            return [{ ...silent, state: 'no answer', cause: describeError(error) }];
          }
        }),
      );
      this.#lines = lines.flat();
      this.#problem = undefined;
    } catch (error) {
      // At the first look it is an error; while watching, a host server that is away is a state.
      if (this.#lines.length === 0) throw error;
      this.#problem = describeError(error);
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
        ({ app, flow, state, published, rates, replyMs, lag, fill, clients, restarts, quietS }) => [
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
    const causes = this.#lines.flatMap(({ app, cause }) => (cause === undefined ? [] : [`${app}: ${cause}`]));
    const held = this.#lines.flatMap(({ app, flow, holding }) =>
      holding.length === 0 ? [] : [`${app}/${flow} is held back by ${holding.join(', ')}`],
    );
    const problem = this.#problem === undefined ? [] : [output.styled(this.#problem, 'red')];
    return [head, ...table, ...held, ...causes, ...problem];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #flows(app: string): Promise<FlowLine[]> {
    const client = await this.#client(app);
    const [flows, statistics] = await Promise.all([client.flows(), client.applicationStatistics()]);
    return flows.map(({ flow, state, sourceState, restarts, cause }) => {
      const counters = statistics.flows.find((found) => found.flow === flow)?.counters ?? {};
      const { rates, quietS } = this.#since(`${app}/${flow}`, state === 'running' ? counters : {});
      const { updates = 0, updateNs = 0 } = rates;
      const { readers, lag, fill, holding } = standingOf(statistics, flow);
      return {
        readers,
        lag,
        fill,
        holding,
        app,
        flow,
        state: state === 'running' ? (sourceState ?? state) : state,
        clients: statistics.clients.filter((one) => one.flows.some((open) => open.flow === flow)).length,
        restarts,
        published: counters['published'] ?? 0,
        rates,
        replyMs: updates > 0 ? updateNs / updates / 1e6 : undefined,
        quietS,
        cause,
      };
    });
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
