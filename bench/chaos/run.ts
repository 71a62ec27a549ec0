/** A chaos run: the system is started, hurt at random from a seed, watched coming back, stopped, and everything is counted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBits } from '../../examples/spectcl-simulator/random.js';
import { ownChildEnvironment } from '../../protocol/process-kit/environment.js';
import { Faults, type Fault } from './faults.js';
import { Ledger, type Totals } from './ledger.js';
import { MemoryWatch, type MemoryTrend } from './memory-watch.js';
import { FLOWS, STEADY } from './plan.js';
import { Plant } from './plant.js';
import { RecoveryTimes, type Recovery } from './recovery-times.js';

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
  /** How long a bare Node program took from its start to its end in the same run, milliseconds: what the machine was worth then. */
  readonly bareStartMs: Recovery;
  readonly memory: Readonly<Record<string, MemoryTrend>>;
  /** Faults after which a reader was not back in time. */
  readonly notRecovered: number;
  readonly problems: readonly string[];
  readonly seconds: number;
}

/** A reader that is not back by then is counted as not recovered. */
const RECOVERY_DEADLINE_MS = 60_000;
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
      const tookMs = await backAfter(plant, hit);
      if (tookMs === undefined) {
        notRecovered += 1;
        note(`not back within ${RECOVERY_DEADLINE_MS} ms: ${title}`);
      } else {
        recovery.note(hit.length > 1 ? 'several' : only.kind, tookMs);
        options.progress?.(`${injected} ${title}: ${Math.round(tookMs)} ms`);
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
    bareStartMs: bareStarts.summary()['start'] ?? { median: 0, worst: 0 },
    memory: memory.summary(),
    notRecovered,
    problems,
    seconds: Math.round((performance.now() - begun) / 1000),
  };
}

/** At the same time, everybody is hit by one of them. */
function oneEach(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.toReversed().map((fault) => [fault.target, fault])).values()];
}

/** A fault that has happened: from when to when, by the wall clock and by performance.now. */
interface PastFault extends Fault {
  readonly begunMs: number;
  readonly overMs: number;
  readonly overAt: number;
}

/** At the same time. Those that found nobody to hit are left out. */
async function injectAll(faults: readonly Fault[]): Promise<PastFault[]> {
  const done = await Promise.all(
    faults.map(async (fault) => {
      const begunMs = Date.now();
      const hit = await fault.inject();
      return { hit, fault: { ...fault, begunMs, overMs: Date.now(), overAt: performance.now() } };
    }),
  );
  return done.filter(({ hit }) => hit).map(({ fault }) => fault);
}

/** How long after the last of them every reader concerned had a buffer that was written since; undefined when one had not. */
async function backAfter(plant: Plant, faults: readonly PastFault[]): Promise<number | undefined> {
  const sinceMs = Math.max(...faults.map(({ overMs }) => overMs));
  const since = Math.max(...faults.map(({ overAt }) => overAt));
  const names = new Set(faults.flatMap(({ affected }) => affected));
  const attachedSince = new Map<string, number>();
  for (const { reattaches, affected, begunMs } of faults) {
    if (reattaches === true) for (const name of affected) attachedSince.set(name, begunMs);
  }
  const back = await Promise.all(
    [...plant.readers.values()]
      .filter(({ plan }) => names.has(plan.name))
      .map((reader) => reader.backSince(sinceMs, RECOVERY_DEADLINE_MS, attachedSince.get(reader.plan.name))),
  );
  const times = back.filter((at) => at !== undefined);
  return times.length < names.size ? undefined : Math.max(0, ...times) - since;
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
