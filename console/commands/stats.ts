/**
 * `mirrorflow stats`: prints the counters of a flow with their rates between two samples.
 *
 * A flow is a stream of buffers; its counters stand in its flow file. The command gets them from
 * the app server, with `--all` those of other hosts too.
 */
import type { CounterSample } from '../../protocol/base/rates.js';
import type { Client } from '../../client-lib/index.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { counterRows, countersOf, flowRates } from '../flow-statistics.js';
import { networkStatistics, ownHostName } from '../every-host.js';
import { interruptible, pause } from '../interruption.js';
import { numberValue } from '../option-values.js';
import { styled } from '../render/colour.js';
import { printable } from '../render/printable.js';
import { withClient, withHost } from '../servers.js';

const INTERVAL_MS = { min: 50, max: 3_600_000 };

export const statsCommand = command({
  name: 'stats',
  summary: 'print the counters of a flow, their rates and their meaning',
  positionals: {
    flow: { type: 'string', describe: 'the flow', default: 'spectra', completes: 'flow' },
  },
  options: {
    app: APP_OPTION,
    all: { type: 'boolean', describe: 'print those of every host that has the flow' },
    watch: { type: 'boolean', describe: 'update the table until q or Ctrl-C' },
    interval: {
      type: 'string',
      default: '1000',
      describe: 'milliseconds between two samples, from which rates are computed',
    },
  },
  examples: [
    ['stats', 'the flow of spectra, after two samples'],
    ['stats --watch', 'live, until q or Ctrl-C'],
    ['stats spectra --json', 'counters and rates as JSON'],
    ['stats --all', 'the same on every host that has the flow'],
  ],
  async run(context, { flow, app, all, watch, interval }) {
    const intervalMs = numberValue('interval', interval, INTERVAL_MS);
    const use = async (client: Client): Promise<void> => {
      const statistics = new FlowStatistics(client, flow, all === true ? await hostName(context) : undefined);
      await interruptible(context.signal, statistics.sample());
      if (watch !== true) return printOnce(context, statistics, intervalMs);
      return context.output.json
        ? streamRecords(context, statistics, intervalMs)
        : watchTable(context, statistics, intervalMs);
    };
    await withClient(context, app, use, { live: watch });
  },
});

/** The last two samples of the flow's counters on one host. */
interface HostSample {
  readonly sample: CounterSample;
  readonly previous: CounterSample | undefined;
}

/**
 * Samples the flow's counters on this host. With `ownHost`, the name of this host, it samples them
 * on every host that has the flow.
 */
class FlowStatistics {
  readonly #client: Client;
  readonly #flow: string;
  readonly #ownHost: string | undefined;
  /** The readers that hold the flow back on this host. */
  #holding: readonly string[] = [];
  #samples: ReadonlyMap<string, HostSample> = new Map();

  constructor(client: Client, flow: string, ownHost: string | undefined) {
    this.#client = client;
    this.#flow = flow;
    this.#ownHost = ownHost;
  }

  async sample(): Promise<void> {
    this.#holding = (await this.#client.flows()).find(({ flow }) => flow === this.#flow)?.holding ?? [];
    const counters = await this.#counters();
    const atMs = performance.now();
    this.#samples = new Map(
      counters.map(([host, counters]) => [
        host,
        { sample: { atMs, counters }, previous: this.#samples.get(host)?.sample },
      ]),
    );
  }

  record() {
    const app = this.#client.app;
    const flow = this.#flow;
    const hosts = [...this.#samples].map(([host, { sample, previous }]) => ({
      host,
      counters: countersOf(sample),
      rates: flowRates(sample, previous),
    }));
    if (this.#ownHost !== undefined) return { app, flow, hosts };
    const { counters = {}, rates = {} } = hosts[0] ?? {};
    return { app, flow, counters, rates, holding: this.#holding };
  }

  table({ output }: CommandContext): string[] {
    const several = this.#ownHost !== undefined;
    const rows = [...this.#samples].flatMap(([host, { sample, previous }]) =>
      counterRows(sample, previous).map(({ name, value, rate, help }) => {
        const cells = [name, value, rate, help];
        return several ? [host].concat(cells) : cells;
      }),
    );
    const held =
      this.#holding.length === 0
        ? []
        : [`held back by ${this.#holding.map((name) => printable(name)).join(', ')}`];
    return [...held, ...this.#rows(output, several, rows)];
  }

  #rows(output: CommandContext['output'], several: boolean, rows: string[][]): string[] {
    return output.tableLines(
      [
        ...(several ? [{ header: 'host' }] : []),
        { header: 'counter' },
        { header: 'value', align: 'right' },
        { header: 'rate', align: 'right' },
        { header: 'meaning' },
      ],
      rows,
      `No counters: no client has the flow ${this.#flow} open.`,
    );
  }

  get title(): string {
    return `${this.#client.app}/${this.#flow}`;
  }

  /** Counters by host; an empty host name when only this host is sampled. */
  async #counters(): Promise<[host: string, counters: CounterSample['counters']][]> {
    if (this.#ownHost === undefined) return [['', await this.#client.statistics(this.#flow)]];
    const { here, elsewhere } = await networkStatistics(this.#client);
    const counters = [{ ...here, host: this.#ownHost }, ...elsewhere].flatMap(({ host, flows }) =>
      flows
        .filter(({ flow }) => flow === this.#flow)
        .map(({ counters }): [string, CounterSample['counters']] => [host, counters]),
    );
    if (counters.length > 0) return counters;
    throw new MirrorflowError('UNKNOWN_FLOW', `no host has a flow ${this.#flow} of ${this.#client.app}`);
  }
}

async function hostName(context: CommandContext): Promise<string> {
  return ownHostName(await withHost(context, (host) => host.network()));
}

async function printOnce(
  context: CommandContext,
  statistics: FlowStatistics,
  intervalMs: number,
): Promise<void> {
  await pause(intervalMs, context.signal);
  // An interrupted command has already returned to the prompt: it must print nothing more.
  if (context.signal.aborted) return;
  await statistics.sample();
  const { output } = context;
  if (output.json) output.value(statistics.record());
  else output.lines(statistics.table(context));
}

async function watchTable(
  context: CommandContext,
  statistics: FlowStatistics,
  intervalMs: number,
): Promise<void> {
  const { watch } = await import('../watch.js');
  const { output } = context;
  let frames = 1;
  await watch(context, {
    intervalMs,
    changed: () => true,
    paint: async () => {
      // The first sample is only just taken: a rate over no time would be meaningless.
      const problem = frames === 1 ? undefined : await attempt(() => statistics.sample());
      frames += 1;
      const { colour, unicode } = output.abilities;
      const heading = styled(statistics.title, 'bold', colour);
      const state = problem === undefined ? '' : `  ${styled(printable(problem, unicode), 'red', colour)}`;
      return [heading + state, ...statistics.table(context)];
    },
  });
}

async function streamRecords(
  context: CommandContext,
  statistics: FlowStatistics,
  intervalMs: number,
): Promise<void> {
  const { everyInterval } = await import('../watch.js');
  await everyInterval(context, intervalMs, async () => {
    context.output.value(statistics.record());
    await pause(intervalMs, context.signal);
    if (!context.signal.aborted) await statistics.sample();
  });
}

/**
 * The message of an error, or undefined. A live display shows an unreachable server and continues.
 */
async function attempt(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}
