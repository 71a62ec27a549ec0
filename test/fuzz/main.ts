/**
 * `npm run fuzz -- [NAME …] [--inputs N] [--seed S]`: runs all or the named fuzz targets and prints
 * their results. Each target runs in its own worker thread, so that one that hangs can be
 * terminated and reported with its seed and input number, which reproduce the input.
 */
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { endWithBadUsage } from '../../protocol/host/process-kit/usage.js';
import { fuzz } from './fuzzer.js';
import { TARGETS } from './targets/all.js';

interface Job {
  readonly name: string;
  readonly inputs: number;
  readonly seed: number;
  /** Shared with the thread: the number of inputs run. */
  readonly progress: Int32Array;
}

const CHECK_INTERVAL_MS = 1_000;
/** Checks without progress after which a target counts as hanging. */
const CHECKS_WITHOUT_PROGRESS_MAX = 30;

if (isMainThread) await main();
else await runJob(workerData as Job);

async function main(): Promise<void> {
  const { names, inputs, seed } = await parseArguments();
  for (const { name } of TARGETS) {
    if (names.length > 0 && !names.includes(name)) continue;
    const job = { name, inputs, seed, progress: new Int32Array(new SharedArrayBuffer(4)) };
    if (!(await runInThread(job))) process.exitCode = 1;
  }
}

/** Ends the process on wrong arguments. */
async function parseArguments(): Promise<{ names: readonly string[]; inputs: number; seed: number }> {
  // Imported here because the worker threads load this module too and do not need yargs.
  const { default: yargs } = await import('yargs');
  const fail = (wrong: unknown): never => endWithBadUsage('fuzz', wrong);
  const all = TARGETS.map(({ name }) => name);
  const values = await yargs(process.argv.slice(2))
    .scriptName('npm run fuzz --')
    .usage(`$0 [NAME …]\n\nRuns all or the named fuzz targets: ${all.join(', ')}`)
    .option('inputs', {
      type: 'number',
      default: 100_000,
      requiresArg: true,
      describe: 'number of inputs for each target',
    })
    .option('seed', {
      type: 'number',
      requiresArg: true,
      describe: 'seed of the random numbers; default: different in every run',
    })
    .version(false)
    .strictOptions()
    .fail((message: string | null, error: Error | undefined) => fail(message ?? error))
    .parse();
  const { inputs, seed = Date.now() % 1_000_000 } = values;
  const names = values._.map(String);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    fail(`there is no fuzz target ${unknown.join(', ')}; the targets are ${all.join(', ')}`);
  for (const value of [inputs, seed])
    if (!Number.isSafeInteger(value) || value < 0) fail('--inputs and --seed must be integers from 0 on');
  return { names, inputs, seed };
}

/** Resolves with false if the target failed or hung. */
function runInThread(job: Job): Promise<boolean> {
  const worker = new Worker(new URL(import.meta.url), { workerData: job });
  return new Promise((resolve) => {
    let previous = -1;
    let checksWithoutProgress = 0;
    const timer = setInterval(() => {
      const progress = Atomics.load(job.progress, 0);
      checksWithoutProgress = progress === previous ? checksWithoutProgress + 1 : 0;
      previous = progress;
      if (checksWithoutProgress < CHECKS_WITHOUT_PROGRESS_MAX) return;
      process.stderr.write(`${job.name}: an input from ${progress} on, with seed ${job.seed}, hangs\n`);
      void worker.terminate();
    }, CHECK_INTERVAL_MS);
    worker.once('error', (error) => process.stderr.write(`${error.message}\n`));
    worker.once('exit', (code) => {
      clearInterval(timer);
      resolve(code === 0);
    });
  });
}

async function runJob({ name, inputs, seed, progress }: Job): Promise<void> {
  const target = TARGETS.find((candidate) => candidate.name === name);
  if (target === undefined) throw new Error(`there is no fuzz target ${name}`);
  const result = await fuzz(target, inputs, seed, (done) => Atomics.store(progress, 0, done));
  process.stdout.write(`${JSON.stringify({ ...result, seed })}\n`);
}
