/** `mirrorflow stats`: the counters of a flow, with their rates between two looks. */
import type { Client } from '../../client-lib/index.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { counterRows, countersOf, ratesBetween, type Look } from '../flow-statistics.js';
import { networkStatistics, ownName } from '../every-host.js';
import { interruptible, pause } from '../interruption.js';
import { numberValue } from '../option-values.js';
import { styled } from '../render/colour.js';
import { printable } from '../render/printable.js';
import { withClient, withHost } from '../servers.js';

const INTERVAL_MS = { min: 50, max: 3_600_000 };

export const statsCommand = command({
  name: 'stats',
  summary: 'tells the counters of a flow, their rates and their meaning',
  positionals: {
    flow: { type: 'string', describe: 'the flow', default: 'spectra', completes: 'flow' },
  },
  options: {
    app: APP_OPTION,
    all: { type: 'boolean', describe: 'on every host of the network that has the flow' },
    watch: { type: 'boolean', describe: 'go on, until q or Ctrl-C' },
    interval: {
      type: 'string',
      default: '1000',
      describe: 'milliseconds between two looks, over which rates are taken',
    },
  },
  examples: [
    ['stats', 'the flow of spectra, after two looks'],
    ['stats --watch', 'live, until q or Ctrl-C'],
    ['stats spectra --json', 'counters and rates for a program'],
    ['stats --all', 'the same on every host that has the flow'],
  ],
  async run(context, { flow, app, all, watch, interval }) {
    const intervalMs = numberValue('interval', interval, INTERVAL_MS);
    const use = async (client: Client): Promise<void> => {
      const statistics = new FlowStatistics(client, flow, all === true ? await hostName(context) : undefined);
      await interruptible(context.signal, statistics.look());
      if (watch !== true) return twoLooks(context, statistics, intervalMs);
      return context.output.json
        ? stream(context, statistics, intervalMs)
        : live(context, statistics, intervalMs);
    };
    await withClient(context, app, use, { live: watch });
  },
});

/** What was seen of the flow on one host. */
interface Seen {
  readonly look: Look;
  readonly before: Look | undefined;
}

/** Looks at the flow on this host; with the name of this host, on every host that has it. */
class FlowStatistics {
  readonly #client: Client;
  readonly #flow: string;
  readonly #ownHost: string | undefined;
  #seen: ReadonlyMap<string, Seen> = new Map();

  constructor(client: Client, flow: string, ownHost: string | undefined) {
    this.#client = client;
    this.#flow = flow;
    this.#ownHost = ownHost;
  }

  async look(): Promise<void> {
    const found = await this.#counters();
    const atMs = performance.now();
    this.#seen = new Map(
      found.map(([host, counters]) => [
        host,
        { look: { atMs, counters }, before: this.#seen.get(host)?.look },
      ]),
    );
  }

  record() {
    const app = this.#client.app;
    const flow = this.#flow;
    const hosts = [...this.#seen].map(([host, { look, before }]) => ({
      host,
      counters: countersOf(look),
      rates: ratesBetween(look, before),
    }));
    if (this.#ownHost !== undefined) return { app, flow, hosts };
    const { counters = {}, rates = {} } = hosts[0] ?? {};
    return { app, flow, counters, rates };
  }

  table({ output }: CommandContext): string[] {
    const several = this.#ownHost !== undefined;
    const rows = [...this.#seen].flatMap(([host, { look, before }]) =>
      counterRows(look, before).map(({ name, value, rate, help }) => {
        const cells = [name, value, rate, help];
        return several ? [host].concat(cells) : cells;
      }),
    );
    return output.tableLines(
      [
        ...(several ? [{ header: 'host' }] : []),
        { header: 'counter' },
        { header: 'value', align: 'right' },
        { header: 'rate', align: 'right' },
        { header: 'meaning' },
      ],
      rows,
      `No counters: nobody has the flow ${this.#flow} open.`,
    );
  }

  get title(): string {
    return `${this.#client.app}/${this.#flow}`;
  }

  /** By host; without hosts, under an empty name. */
  async #counters(): Promise<[host: string, counters: Look['counters']][]> {
    if (this.#ownHost === undefined) return [['', await this.#client.statistics(this.#flow)]];
    const { here, elsewhere } = await networkStatistics(this.#client);
    const found = [{ ...here, host: this.#ownHost }, ...elsewhere].flatMap(({ host, flows }) =>
      flows
        .filter(({ flow }) => flow === this.#flow)
        .map(({ counters }): [string, Look['counters']] => [host, counters]),
    );
    if (found.length > 0) return found;
    throw new MirrorflowError('UNKNOWN_FLOW', `no host has a flow ${this.#flow} of ${this.#client.app}`);
  }
}

async function hostName(context: CommandContext): Promise<string> {
  return ownName(await withHost(context, (host) => host.network()));
}

async function twoLooks(
  context: CommandContext,
  statistics: FlowStatistics,
  intervalMs: number,
): Promise<void> {
  await pause(intervalMs, context.signal);
  // The command has been given up already; what comes now would be printed behind it.
  if (context.signal.aborted) return;
  await statistics.look();
  const { output } = context;
  if (output.json) output.value(statistics.record());
  else output.lines(statistics.table(context));
}

async function live(context: CommandContext, statistics: FlowStatistics, intervalMs: number): Promise<void> {
  const { watch } = await import('../watch.js');
  const { output } = context;
  let looks = 1;
  await watch(context, {
    intervalMs,
    changed: () => true,
    paint: async () => {
      // The first look has just been taken: a rate over no time would be noise.
      const problem = looks === 1 ? undefined : await attempt(() => statistics.look());
      looks += 1;
      const { colour, unicode } = output.abilities;
      const heading = styled(statistics.title, 'bold', colour);
      const state = problem === undefined ? '' : `  ${styled(printable(problem, unicode), 'red', colour)}`;
      return [heading + state, ...statistics.table(context)];
    },
  });
}

async function stream(
  context: CommandContext,
  statistics: FlowStatistics,
  intervalMs: number,
): Promise<void> {
  const { everyInterval } = await import('../watch.js');
  await everyInterval(context, intervalMs, async () => {
    context.output.value(statistics.record());
    await pause(intervalMs, context.signal);
    if (!context.signal.aborted) await statistics.look();
  });
}

/** Undefined, or what went wrong: while watching, a server that is away is a state and no end. */
async function attempt(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}
