/**
 * `npm run fuzz -- [NAME …] [--inputs N] [--seed S]`: runs fuzzers, all or those named, and tells what they did. Each runs in a thread of its own,
 * so that one that hangs is ended and told, with the input that the same seed comes to again.
 */
import { parseArgs } from 'node:util';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { fuzz } from './fuzzer.js';
import { TARGETS } from './targets/all.js';

interface Job {
  readonly name: string;
  readonly inputs: number;
  readonly seed: number;
  /** Inputs done so far. */
  readonly progress: Int32Array;
}

const LOOK_MS = 1_000;
/** Looks without progress after which a target hangs. */
const HANGING_LOOKS = 30;

if (isMainThread) await main();
else await work(workerData as Job);

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      inputs: { type: 'string', default: '100000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
    allowPositionals: true,
  });
  const inputs = Number(values.inputs);
  const seed = Number(values.seed);
  const unknown = positionals.filter((name) => !TARGETS.some((target) => target.name === name));
  if (unknown.length > 0 || !Number.isSafeInteger(inputs) || !Number.isSafeInteger(seed)) {
    const names = TARGETS.map(({ name }) => name).join(', ');
    process.stderr.write(`usage: fuzz [NAME …] [--inputs N] [--seed S]; names are ${names}\n`);
    process.exitCode = 2;
    return;
  }
  for (const { name } of TARGETS) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    if (!(await watched({ name, inputs, seed, progress: new Int32Array(new SharedArrayBuffer(4)) })))
      process.exitCode = 1;
  }
}

/** False when it failed or hung. */
function watched(job: Job): Promise<boolean> {
  const worker = new Worker(new URL(import.meta.url), { workerData: job });
  return new Promise((resolve) => {
    let last = -1;
    let looks = 0;
    const timer = setInterval(() => {
      const now = Atomics.load(job.progress, 0);
      looks = now === last ? looks + 1 : 0;
      last = now;
      if (looks < HANGING_LOOKS) return;
      process.stderr.write(`${job.name}: input ${now} of seed ${job.seed} hangs\n`);
      void worker.terminate();
    }, LOOK_MS);
    worker.once('error', (error) => process.stderr.write(`${error.message}\n`));
    worker.once('exit', (code) => {
      clearInterval(timer);
      resolve(code === 0);
    });
  });
}

async function work({ name, inputs, seed, progress }: Job): Promise<void> {
  const target = TARGETS.find((found) => found.name === name);
  if (target === undefined) throw new Error(`no fuzzer ${name}`);
  const result = await fuzz(target, inputs, seed, (done) => Atomics.store(progress, 0, done));
  process.stdout.write(`${JSON.stringify({ ...result, seed })}\n`);
}
