/**
 * `npm run fuzz -- [NAME …] [--inputs N] [--seed S]`: runs fuzzers, all or those named, and tells
 * what they did. Each runs in a thread of its own, so that one that hangs is ended and told, with
 * the input that the same seed comes to again.
 */
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { endWithBadUsage } from '../../protocol/host/process-kit/usage.js';
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
  const { names, inputs, seed } = await given();
  for (const { name } of TARGETS) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (!(await watched({ name, inputs, seed, progress: new Int32Array(new SharedArrayBuffer(4)) })))
      process.exitCode = 1;
  }
}

/** What was asked for; ends the process when that cannot be. */
async function given(): Promise<{ names: readonly string[]; inputs: number; seed: number }> {
  // Not above: every fuzzer's thread is this module too.
  const { default: yargs } = await import('yargs');
  const fail = (wrong: unknown): never => endWithBadUsage('fuzz', wrong);
  const all = TARGETS.map(({ name }) => name);
  const values = await yargs(process.argv.slice(2))
    .scriptName('npm run fuzz --')
    .usage(`$0 [NAME …]\n\nGives garbage to parsers, all or those named: ${all.join(', ')}`)
    .option('inputs', { type: 'number', default: 100_000, requiresArg: true, describe: 'for each' })
    .option('seed', {
      type: 'number',
      requiresArg: true,
      describe: 'of the random numbers; any when left out',
    })
    .version(false)
    .strictOptions()
    .fail((message: string | null, error: Error | undefined) => fail(message ?? error))
    .parse();
  const { inputs, seed = Date.now() % 1_000_000 } = values;
  const names = values._.map(String);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) fail(`there is no fuzzer ${unknown.join(', ')}; there are ${all.join(', ')}`);
  for (const value of [inputs, seed])
    if (!Number.isSafeInteger(value) || value < 0) fail('--inputs and --seed take whole numbers from 0');
  return { names, inputs, seed };
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
