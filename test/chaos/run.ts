/**
 * A chaos run: starts a system, injects random faults from a seed, measures each recovery, stops
 * the system and counts lost, doubled and torn buffers. Called by main.ts and by a system test.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBits } from '../../simulator/random.js';
import { ownChildEnvironment } from '../../protocol/host/process-kit/environment.js';
import { Faults } from './faults.js';
import { Ledger, type Totals } from './ledger.js';
import { MemoryWatch, type MemoryTrend } from './memory-watch.js';
import { FLOWS, STEADY } from './plan.js';
import { ChaosSystem } from './chaos-system.js';
import { RECOVERY_DEADLINE_MS, recoveryAfter, injectAll, oneEach } from './recovery.js';
import { RecoveryTimes, type Recovery } from './recovery-times.js';
import { Slowest, type SlowRecovery } from './slowest.js';

export interface ChaosOptions {
  readonly faults: number;
  readonly seed: number;
  /** The run ends after this time, also with fewer faults. */
  readonly seconds: number;
  /** Only these kinds of faults. Default: all. */
  readonly kinds?: readonly string[];
  /** Ends the run early, in good order. */
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
  /** The slowest recoveries, slowest first. */
  readonly slowest: readonly SlowRecovery[];
  /**
   * Milliseconds from start to end of an empty Node program in the same run, as a measure of the
   * speed of the machine.
   */
  readonly bareStartMs: Recovery;
  readonly memory: Readonly<Record<string, MemoryTrend>>;
  /** Faults after which a reader had no new buffer in time. */
  readonly notRecovered: number;
  readonly problems: readonly string[];
  readonly seconds: number;
}

const PAUSE_MAX_MS = 150;
/** One of so many faults is injected together with others. */
const BURST_ONE_IN = 8;
const BURST_MAX = 3;
const SAMPLE_MS = 500;
const PROBLEMS_MAX = 100;
const BARE_START_EVERY_MS = 5_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const begun = performance.now();
  const problems: string[] = [];
  const note = (what: string): void => {
    options.progress?.(what);
    if (problems.length < PROBLEMS_MAX) problems.push(what);
  };
  const ledger = new Ledger(note);
  const system = new ChaosSystem(ledger, note);
  const recovery = new RecoveryTimes();
  const slowest = new Slowest();
  const memory = new MemoryWatch();
  const byKind: Record<string, number> = {};
  let injected = 0;
  let notRecovered = 0;
  let left: string[] = [];
  let sampler: NodeJS.Timeout | undefined;
  let reference: NodeJS.Timeout | undefined;
  const bareStarts = new RecoveryTimes();
  try {
    await system.start();
    sampler = setInterval(() => sample(system, memory), SAMPLE_MS);
    reference = setInterval(
      () => void bareStart().then((ms) => bareStarts.note('start', ms)),
      BARE_START_EVERY_MS,
    );
    const random = randomBits(options.seed);
    const faults = new Faults(system, random, options.kinds);
    while (
      injected < options.faults &&
      performance.now() - begun < options.seconds * 1000 &&
      options.signal?.aborted !== true
    ) {
      const burst = random() % BURST_ONE_IN === 0 ? 2 + (random() % (BURST_MAX - 1)) : 1;
      const drawn = Array.from({ length: burst }, () => faults.draw());
      const hit = await injectAll(oneEach(drawn));
      for (const { kind } of hit) byKind[kind] = (byKind[kind] ?? 0) + 1;
      injected += hit.length;
      const [only] = hit;
      if (only === undefined) continue;
      const title = hit.map(({ kind, target }) => `${kind} ${target}`).join(' + ');
      const recovered = await recoveryAfter(system, hit);
      const kind = hit.length > 1 ? 'several' : only.kind;
      slowest.note({ kind, ...recovered }, hit, begun);
      if (recovered.ms >= RECOVERY_DEADLINE_MS) {
        notRecovered += 1;
        note(`${recovered.reader} has not recovered within ${RECOVERY_DEADLINE_MS} ms: ${title}`);
      } else {
        recovery.note(kind, recovered.ms);
        options.progress?.(`${injected} ${title}: ${Math.round(recovered.ms)} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, random() % PAUSE_MAX_MS));
    }
  } finally {
    clearInterval(sampler);
    clearInterval(reference);
    left = await system.stop();
  }
  const totals = ledger.close();
  return {
    seed: options.seed,
    faults: injected,
    byKind,
    ...totals,
    leftovers: left.length,
    leftoverNames: left,
    recoveryMs: recovery.summary(),
    slowest: slowest.list,
    bareStartMs: bareStarts.summary()['start'] ?? { median: 0, worst: 0 },
    memory: memory.summary(),
    notRecovered,
    problems,
    seconds: Math.round((performance.now() - begun) / 1000),
  };
}

async function bareStart(): Promise<number> {
  const begun = performance.now();
  await once(
    spawn(process.execPath, ['-e', '0'], { stdio: 'ignore', env: ownChildEnvironment(process.env) }),
    'exit',
  );
  return performance.now() - begun;
}

/** Samples the processes that are never killed; the others do not live long enough. */
function sample(system: ChaosSystem, memory: MemoryWatch): void {
  memory.sample('app server', system.appServerPid(STEADY));
  for (const { app, flow } of FLOWS.filter(({ app }) => app === STEADY)) {
    memory.sample('duplicator', system.duplicatorPid(app, flow));
    memory.sample('provider', system.providers.get(`${app}/${flow}`)?.pid);
    memory.sample('consumer', system.readers.get('calm-reader')?.program.pid);
  }
}
