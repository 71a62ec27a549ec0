/**
 * One flow of the application: its definition, its duplicator (the process that owns the flow's
 * file), and what can be reported of the two now. Created by `flow-table.ts`. Reads the header of
 * the flow file while the duplicator runs; writes nothing.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { DuplicatorReady, DuplicatorReport, FlowInfo } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { ConsumerRow } from '../../protocol/flow/flow-file/consumer-table.js';
import { COUNTERS, type CounterName } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { readFlowHeader } from '../../protocol/flow/flow-file/open.js';
import type { FlowDefinition } from './flow-definition.js';
import { FlowDuplicator, type FlowDuplicatorOptions } from '../children/flow-duplicator.js';
import { RateMeter } from '../../protocol/base/rates.js';

/** What belongs to one run of the duplicator and ends with it. */
interface Run {
  readonly ready: DuplicatorReady;
  readonly rates: RateMeter;
  report?: DuplicatorReport;
}

export class Flow {
  definition: FlowDefinition;
  /** The flow stays in the table when no client has it open and nothing runs. */
  readonly permanent: boolean;
  readonly duplicator: FlowDuplicator;
  /** An earlier app server had the flow: some of its clients may still have to reattach. */
  inherited = false;
  /** Port at which its duplicator listens for other hosts, or the one before has listened. */
  servedPort: number | undefined;
  #run: Run | undefined;

  constructor(
    definition: FlowDefinition,
    permanent: boolean,
    duplicator: (flow: Flow) => FlowDuplicatorOptions,
  ) {
    this.definition = definition;
    this.permanent = permanent;
    this.duplicator = new FlowDuplicator(duplicator(this));
  }

  get name(): string {
    return this.definition.flow;
  }

  /** Keeps the newest report of the running duplicator. */
  reported(report: DuplicatorReport): void {
    const run = this.#currentRun();
    if (run !== undefined) run.report = report;
    if (report.replaced === true) this.duplicator.replaced();
  }

  /**
   * Clients on the signal link by the duplicator's last report, clients from before a restart of
   * this app server included.
   */
  get linkClients(): number {
    return this.#currentRun()?.report?.clients ?? 0;
  }

  /** The readers that hold the flow back, by the last report. */
  get holding(): NonNullable<DuplicatorReport['holding']> {
    return this.#currentRun()?.report?.holding ?? [];
  }

  /** The provider's number on the signal link, by the last report. */
  get providerLink(): number | undefined {
    return this.#currentRun()?.report?.provider;
  }

  /** `clients`: clients that have it open. */
  info(clients: number): FlowInfo {
    const { definition, duplicator } = this;
    const run = this.#currentRun();
    const cause = duplicator.cause ?? run?.report?.cause;
    return {
      flow: definition.flow,
      type: definition.type,
      state: duplicator.state,
      clients: Math.max(clients, this.linkClients),
      restarts: duplicator.restarts,
      ...(definition.source === undefined ? {} : { source: definition.source }),
      ...definition.sizes,
      ...(duplicator.pid === undefined ? {} : { pid: duplicator.pid }),
      ...(cause === undefined ? {} : { cause: cause.slice(0, LIMITS.causeCharacters) }),
      ...(run === undefined ? {} : infoOfRun(run)),
    };
  }

  /**
   * Counters and rates. Throws NOT_RUNNING without a duplicator, and what opening the flow file
   * throws.
   */
  statistics(clock: Clock): Record<string, number> {
    const run = this.#presentRun();
    const file = fileOf(run);
    const counters = {} as Record<CounterName, number>;
    for (const [name, { id }] of Object.entries(COUNTERS)) counters[name as CounterName] = file.counter(id);
    // A provider writes past its duplicator: only the header counts what it has published.
    if (this.definition.direction === 'output') counters.published = file.published;
    const { published, publishedBytes, updates, receivedBytes } = counters;
    const rates = run.rates.sample(clock.nowMs(), { published, publishedBytes, updates, receivedBytes });
    const named = Object.entries(rates).map(([name, rate]) => [`${name}PerSecond`, rate] as const);
    return { ...counters, ...Object.fromEntries(named) };
  }

  /** What the flow file shows of its consumers. Throws as `statistics`. */
  consumers(): { readonly published: number; readonly rows: readonly ConsumerRow[] } {
    const file = fileOf(this.#presentRun());
    const rows = file.consumers.all();
    return { rows, published: file.published };
  }

  #presentRun(): Run {
    const run = this.#currentRun();
    if (run !== undefined) return run;
    const { cause, state } = this.duplicator;
    throw new MirrorflowError(
      'NOT_RUNNING',
      `flow ${this.name} is ${state} and has no statistics now${cause === undefined ? '' : `: ${cause}`}`,
      { flow: this.name, state },
    );
  }

  /** The present run of the duplicator; drops what belongs to an earlier one. */
  #currentRun(): Run | undefined {
    const { ready } = this.duplicator;
    if (this.#run?.ready !== ready)
      this.#run = ready === undefined ? undefined : { ready, rates: new RateMeter() };
    return this.#run;
  }
}

function infoOfRun(run: Run): Partial<FlowInfo> {
  const { ready, report } = run;
  const { file, image, bufferSize, buffers } = ready;
  const state = readState(run) ?? report;
  return {
    file,
    ...(image === undefined ? {} : { image }),
    bufferSize,
    buffers,
    ...(state === undefined ? {} : { published: state.published, sourceState: state.sourceState }),
  };
}

/** Undefined when the flow file cannot be read; flow.statistics reports the reason. */
function readState(run: Run): Pick<DuplicatorReport, 'published' | 'sourceState'> | undefined {
  try {
    const { published, sourceState } = fileOf(run);
    return { published, sourceState };
  } catch {
    return undefined;
  }
}

function fileOf(run: Run): FlowFile {
  return readFlowHeader(run.ready.file);
}
