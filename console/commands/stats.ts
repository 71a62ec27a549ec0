/** `mirrorflow stats`: the counters of a flow, with their rates between two looks. */
import type { Client } from '../../client-lib/index.js';
import { describeError } from '../../protocol/errors.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { counterRows, countersOf, ratesBetween, type Look } from '../flow-statistics.js';
import { interruptible, pause } from '../interruption.js';
import { numberValue } from '../option-values.js';
import { styled } from '../render/colour.js';
import { printable } from '../render/printable.js';
import { withClient } from '../servers.js';

const INTERVAL_MS = { min: 50, max: 3_600_000 };

export const statsCommand = command({
  name: 'stats',
  summary: 'tells the counters of a flow, their rates and their meaning',
  positionals: {
    flow: { type: 'string', describe: 'the flow', default: 'spectra', completes: 'flow' },
  },
  options: {
    app: APP_OPTION,
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
  ],
  async run(context, { flow, app, watch, interval }) {
    const intervalMs = numberValue('interval', interval, INTERVAL_MS);
    const use = async (client: Client): Promise<void> => {
      const statistics = new FlowStatistics(client, flow);
      await interruptible(context.signal, statistics.look());
      if (watch !== true) return twoLooks(context, statistics, intervalMs);
      return context.output.json
        ? stream(context, statistics, intervalMs)
        : live(context, statistics, intervalMs);
    };
    await withClient(context, app, use, { live: watch });
  },
});

class FlowStatistics {
  readonly #client: Client;
  readonly #flow: string;
  #before: Look | undefined;
  #last: Look | undefined;

  constructor(client: Client, flow: string) {
    this.#client = client;
    this.#flow = flow;
  }

  async look(): Promise<void> {
    const counters = await this.#client.statistics(this.#flow);
    this.#before = this.#last;
    this.#last = { atMs: performance.now(), counters };
  }

  record() {
    const look = this.#last ?? { atMs: 0, counters: {} };
    return {
      app: this.#client.app,
      flow: this.#flow,
      counters: countersOf(look),
      rates: ratesBetween(look, this.#before),
    };
  }

  table({ output }: CommandContext): string[] {
    const rows = this.#last === undefined ? [] : counterRows(this.#last, this.#before);
    return output.tableLines(
      [
        { header: 'counter' },
        { header: 'value', align: 'right' },
        { header: 'rate', align: 'right' },
        { header: 'meaning' },
      ],
      rows.map(({ name, value, rate, help }) => [name, value, rate, help]),
      `No counters: nobody has the flow ${this.#flow} open.`,
    );
  }

  get title(): string {
    return `${this.#client.app}/${this.#flow}`;
  }
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
