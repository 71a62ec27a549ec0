/** `mirrorflow top`: every application and flow of this host, live. */
import type { Client } from '../../client-lib/index.js';
import { describeError } from '../../protocol/errors.js';
import { command, type CommandContext } from '../command.js';
import { ratesBetween, type Look } from '../flow-statistics.js';
import { numberValue } from '../option-values.js';
import { formatByteRate, formatCount, formatDuration, formatRate } from '../render/numbers.js';
import { withHost } from '../servers.js';

const INTERVAL_MS = { min: 100, max: 3_600_000 };

export const topCommand = command({
  name: 'top',
  summary: 'shows every application and flow of this host, live: rates, clients, states, restarts',
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

interface FlowLine {
  readonly app: string;
  readonly flow: string;
  readonly state: string;
  readonly clients: number;
  readonly restarts: number;
  readonly published: number;
  readonly rates: Readonly<Record<string, number>>;
  /** Time from asking the source to the end of its reply, on average since the last look, milliseconds. */
  readonly replyMs: number | undefined;
  readonly cause: string | undefined;
}

/** Looks at everything; what does not answer is told in its line. */
class HostLooks {
  readonly #context: CommandContext;
  readonly #clients = new Map<string, Client>();
  readonly #before = new Map<string, Look>();
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
          const silent = { app: name, flow: '', state, clients: 0, restarts, published: 0, rates: {} };
          if (state !== 'running') return [{ ...silent, replyMs: undefined, cause }];
          try {
            const flows = await this.#flows(name);
            return flows.length > 0 ? flows : [{ ...silent, replyMs: undefined, cause }];
          } catch (error) {
            return [{ ...silent, state: 'no answer', replyMs: undefined, cause: describeError(error) }];
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
        { header: 'clients', ...right },
        { header: 'restarts', ...right },
      ],
      this.#lines.map(({ app, flow, state, published, rates, replyMs, clients, restarts }) => [
        app,
        flow,
        state,
        flow === '' ? '' : formatCount(published),
        rate(rates['published'], formatRate),
        rate(rates['publishedBytes'], formatByteRate),
        rate(rates['receivedBytes'], formatByteRate),
        replyMs === undefined ? '' : formatDuration(replyMs),
        rate(rates['stalls'], formatRate),
        String(clients),
        String(restarts),
      ]),
      'No applications; start one with `mirrorflow run NAME --spectcl ADDRESS`.',
    );
    const causes = this.#lines.flatMap(({ app, cause }) => (cause === undefined ? [] : [`${app}: ${cause}`]));
    const problem = this.#problem === undefined ? [] : [output.styled(this.#problem, 'red')];
    return [head, ...table, ...causes, ...problem];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #flows(app: string): Promise<FlowLine[]> {
    const client = await this.#client(app);
    const [flows, clients] = await Promise.all([client.flows(), client.clients()]);
    return Promise.all(
      flows.map(async ({ flow, state, sourceState, restarts, cause }) => {
        const counters = state === 'running' ? await client.statistics(flow).catch(() => ({})) : {};
        const look: Look = { atMs: performance.now(), counters };
        const key = `${app}/${flow}`;
        const before = this.#before.get(key);
        this.#before.set(key, look);
        const rates = ratesBetween(look, before);
        const { updates = 0, updateNs = 0 } = rates;
        return {
          app,
          flow,
          state: state === 'running' ? (sourceState ?? state) : state,
          clients: clients.filter((one) => one.flows.some((open) => open.flow === flow)).length,
          restarts,
          published: look.counters['published'] ?? 0,
          rates,
          replyMs: updates > 0 ? updateNs / updates / 1e6 : undefined,
          cause,
        };
      }),
    );
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
