/**
 * A chaos run: starts a real system, injects random faults into it from a seed, measures how long
 * each recovery takes, stops the system, and counts what was lost. Called by `main.ts`
 * (`npm run chaos`) and, briefly, by a system test. All processes, files and sockets belong to the
 * `ChaosSystem`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBits } from '../../simulator/random.js';
import { ownChildEnvironment } from '../../protocol/host/process-kit/environment.js';
import { FaultGenerator } from './faults.js';
import { Ledger, type Totals } from './ledger.js';
import { MemoryWatch, type MemoryTrend } from './memory-watch.js';
import { FLOWS, STEADY } from './plan.js';
import { ChaosSystem } from './chaos-system.js';
import { RECOVERY_TIMEOUT_MS, waitForRecovery, injectAll, onePerTarget } from './recovery.js';
import { RecoveryTimes, SlowestRecoveries, type Recovery, type SlowRecovery } from './recovery-report.js';

export interface ChaosOptions {
  readonly faults: number;
  readonly seed: number;
  /** Longest run: it ends after this time even when fewer faults were injected. */
  readonly seconds: number;
  /** Kinds of faults to draw from. Default: all. */
  readonly kinds?: readonly string[];
  /** One round in so many has several faults at once. Default: BURST_ONE_IN. */
  readonly burstOneIn?: number;
  /** Most faults at once, 2 at least. Default: BURST_MAX. */
  readonly burstMax?: number;
  /** Ends the run early: the system is stopped in order and the report is complete. */
  readonly signal?: AbortSignal;
  readonly progress?: (line: string) => void;
}

export interface ChaosReport extends Totals {
  readonly seed: number;
  readonly faults: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly leftovers: number;
  readonly leftoverNames: readonly string[];
  readonly recoveryMs: Readonly<Record<string, Recovery>>;
  /** Slowest first. */
  readonly slowest: readonly SlowRecovery[];
  /**
   * How long `node -e 0` took from start to exit in the same run, milliseconds: the speed of the
   * machine at that time.
   */
  readonly bareStartMs: Recovery;
  readonly memory: Readonly<Record<string, MemoryTrend>>;
  /** Rounds of faults after which a reader did not recover in time. */
  readonly notRecovered: number;
  readonly problems: readonly string[];
  readonly seconds: number;
}

/** Between two rounds. */
const PAUSE_MAX_MS = 150;
/** One round in eight injects several faults at the same time. */
export const BURST_ONE_IN = 8;
export const BURST_MAX = 3;
/** Between two samples of memory. */
const SAMPLE_INTERVAL_MS = 500;
/** Problems that the report lists. */
const PROBLEMS_MAX = 100;
const BARE_START_INTERVAL_MS = 5_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const startedAt = performance.now();
  const problems: string[] = [];
  const reportProblem = (problem: string): void => {
    options.progress?.(problem);
    if (problems.length < PROBLEMS_MAX) problems.push(problem);
  };
  const ledger = new Ledger(reportProblem);
  const system = new ChaosSystem(ledger, reportProblem);
  const recoveryTimes = new RecoveryTimes();
  const slowest = new SlowestRecoveries();
  const memory = new MemoryWatch();
  const byKind: Record<string, number> = {};
  let injected = 0;
  let notRecovered = 0;
  let leftBehind: string[] = [];
  let sampler: NodeJS.Timeout | undefined;
  let bareStarter: NodeJS.Timeout | undefined;
  const bareStarts = new RecoveryTimes();
  try {
    await system.start();
    sampler = setInterval(() => sampleMemory(system, memory), SAMPLE_INTERVAL_MS);
    bareStarter = setInterval(
      () => void timeBareStart().then((ms) => bareStarts.record('start', ms)),
      BARE_START_INTERVAL_MS,
    );
    const random = randomBits(options.seed);
    const faults = new FaultGenerator(system, random, options.kinds);
    while (
      injected < options.faults &&
      performance.now() - startedAt < options.seconds * 1000 &&
      options.signal?.aborted !== true
    ) {
      const burst =
        random() % (options.burstOneIn ?? BURST_ONE_IN) === 0
          ? 2 + (random() % ((options.burstMax ?? BURST_MAX) - 1))
          : 1;
      const drawn = Array.from({ length: burst }, () => faults.draw());
      const hit = await injectAll(onePerTarget(drawn));
      for (const { kind } of hit) byKind[kind] = (byKind[kind] ?? 0) + 1;
      injected += hit.length;
      const [first] = hit;
      if (first === undefined) continue;
      const title = hit.map(({ kind, target }) => `${kind} ${target}`).join(' + ');
      const recovered = await waitForRecovery(system, hit);
      const kind = hit.length > 1 ? 'several' : first.kind;
      slowest.record({ kind, ...recovered }, hit, startedAt);
      if (recovered.ms >= RECOVERY_TIMEOUT_MS) {
        notRecovered += 1;
        reportProblem(`${recovered.reader} did not recover within ${RECOVERY_TIMEOUT_MS} ms: ${title}`);
      } else {
        recoveryTimes.record(kind, recovered.ms);
        options.progress?.(`${injected} ${title}: ${Math.round(recovered.ms)} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, random() % PAUSE_MAX_MS));
    }
  } finally {
    clearInterval(sampler);
    clearInterval(bareStarter);
    leftBehind = await system.stop();
  }
  const totals = ledger.close();
  return {
    seed: options.seed,
    faults: injected,
    byKind,
    ...totals,
    leftovers: leftBehind.length,
    leftoverNames: leftBehind,
    recoveryMs: recoveryTimes.summary(),
    slowest: slowest.list,
    bareStartMs: bareStarts.summary()['start'] ?? { median: 0, worst: 0 },
    memory: memory.summary(),
    notRecovered,
    problems,
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
}

/** Milliseconds from the start to the exit of a Node process that does nothing. */
async function timeBareStart(): Promise<number> {
  const startedAt = performance.now();
  await once(
    spawn(process.execPath, ['-e', '0'], { stdio: 'ignore', env: ownChildEnvironment(process.env) }),
    'exit',
  );
  return performance.now() - startedAt;
}

/** Samples processes that are never killed: the others restart too often to show a leak. */
function sampleMemory(system: ChaosSystem, memory: MemoryWatch): void {
  memory.sample('app server', system.appServerPid(STEADY));
  for (const { app, flow } of FLOWS.filter(({ app }) => app === STEADY)) {
    memory.sample('duplicator', system.duplicatorPid(app, flow));
    memory.sample('provider', system.providers.get(`${app}/${flow}`)?.pid);
    memory.sample('consumer', system.readers.get('calm-reader')?.program.pid);
  }
}
