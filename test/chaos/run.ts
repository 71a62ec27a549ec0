/**
 * A chaos run: the system is started, hurt at random from a seed, watched coming back, stopped, and
 * everything is counted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBits } from '../../simulator/random.js';
import { ownChildEnvironment } from '../../protocol/host/process-kit/environment.js';
import { Faults } from './faults.js';
import { Ledger, type Totals } from './ledger.js';
import { MemoryWatch, type MemoryTrend } from './memory-watch.js';
import { FLOWS, STEADY } from './plan.js';
import { Plant } from './plant.js';
import { RECOVERY_DEADLINE_MS, backAfter, injectAll, oneEach } from './recovery.js';
import { RecoveryTimes, type Recovery } from './recovery-times.js';
import { Slowest, type SlowRecovery } from './slowest.js';

export interface ChaosOptions {
  readonly faults: number;
  readonly seed: number;
  /** The run ends after this time, also with fewer faults. */
  readonly seconds: number;
  /** Only these kinds of faults. Default: all. */
  readonly kinds?: readonly string[];
  /** Aborting it ends the run early, in good order. */
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
   * How long a bare Node program took from its start to its end in the same run, milliseconds: what
   * the machine was worth then.
   */
  readonly bareStartMs: Recovery;
  readonly memory: Readonly<Record<string, MemoryTrend>>;
  /** Faults after which a reader was not back in time. */
  readonly notRecovered: number;
  readonly problems: readonly string[];
  readonly seconds: number;
}

const PAUSE_MAX_MS = 150;
/** One in so many faults comes with others at the same time. */
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
  const plant = new Plant(ledger, note);
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
    await plant.start();
    sampler = setInterval(() => sample(plant, memory), SAMPLE_MS);
    reference = setInterval(
      () => void bareStart().then((ms) => bareStarts.note('start', ms)),
      BARE_START_EVERY_MS,
    );
    const random = randomBits(options.seed);
    const faults = new Faults(plant, random, options.kinds);
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
      const back = await backAfter(plant, hit);
      const kind = hit.length > 1 ? 'several' : only.kind;
      slowest.note({ kind, ...back }, hit, begun);
      if (back.ms >= RECOVERY_DEADLINE_MS) {
        notRecovered += 1;
        note(`${back.reader} not back within ${RECOVERY_DEADLINE_MS} ms: ${title}`);
      } else {
        recovery.note(kind, back.ms);
        options.progress?.(`${injected} ${title}: ${Math.round(back.ms)} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, random() % PAUSE_MAX_MS));
    }
  } finally {
    clearInterval(sampler);
    clearInterval(reference);
    left = await plant.stop();
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

/** Of those that are never killed: the others are too young to tell. */
function sample(plant: Plant, memory: MemoryWatch): void {
  memory.sample('app server', plant.appServerPid(STEADY));
  for (const { app, flow } of FLOWS.filter(({ app }) => app === STEADY)) {
    memory.sample('duplicator', plant.duplicatorPid(app, flow));
    memory.sample('provider', plant.providers.get(`${app}/${flow}`)?.pid);
    memory.sample('consumer', plant.readers.get('calm-reader')?.program.pid);
  }
}
