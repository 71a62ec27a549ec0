/**
 * `npm run chaos -- [options]`: runs chaos on a real system and prints its report as JSON. Exits
 * with 0 when nothing was lost and every reader recovered, 1 otherwise, 2 for bad usage. Writes the
 * report to the file of `--json`.
 */
import { writeFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { endWithBadUsage } from '../../protocol/host/process-kit/usage.js';
import { runEnvironment } from '../../bench/report.js';
import { FAULT_KINDS } from './faults.js';
import { BURST_MAX, BURST_ONE_IN, runChaos } from './run.js';
import { formatSlowRecovery } from './recovery-report.js';

const values = await yargs(hideBin(process.argv))
  .scriptName('npm run chaos --')
  .usage('$0 [options]\n\nInject random faults into a real system and print a JSON report.')
  .option('faults', {
    type: 'number',
    default: 100,
    requiresArg: true,
    describe: 'number of faults to inject',
  })
  .option('seed', {
    type: 'number',
    requiresArg: true,
    describe: 'seed of the random numbers; a random one by default',
  })
  .option('seconds', {
    type: 'number',
    default: 3600,
    requiresArg: true,
    describe: 'longest duration of the run',
  })
  .option('burst-one-in', {
    type: 'number',
    default: BURST_ONE_IN,
    requiresArg: true,
    describe: 'one round in so many has several faults at once; 1: each',
  })
  .option('burst-max', {
    type: 'number',
    default: BURST_MAX,
    requiresArg: true,
    describe: 'most faults at once',
  })
  .option('kinds', {
    type: 'string',
    default: '',
    requiresArg: true,
    describe: `kinds of faults to draw from, separated by commas: ${FAULT_KINDS.join(', ')}`,
  })
  .option('json', {
    type: 'string',
    requiresArg: true,
    describe: 'file to write the report to as well',
  })
  .option('verbose', { type: 'boolean', default: false, describe: 'print each fault when it is injected' })
  .epilogue('Exit codes: 0 nothing was lost and every reader recovered, 1 otherwise, 2 bad usage.')
  .version(false)
  .check(({ _: words, faults, seed = 0, seconds, 'burst-one-in': burstOneIn, 'burst-max': burstMax }) => {
    if (!Number.isSafeInteger(burstOneIn) || burstOneIn < 1)
      throw new Error('--burst-one-in must be a whole number from 1');
    if (!Number.isSafeInteger(burstMax) || burstMax < 2)
      throw new Error('--burst-max must be a whole number from 2');
    if (words.length > 0) throw new Error(`unexpected argument: ${words.join(' ')}`);
    if (![faults, seed, seconds].every((value) => Number.isSafeInteger(value) && value >= 0))
      throw new Error('--faults, --seed and --seconds must be whole numbers from 0');
    return true;
  })
  .strict()
  .fail((message: string | null, error: Error | undefined) => endWithBadUsage('chaos', message ?? error))
  .parse();
const { faults, seconds, burstOneIn, burstMax, seed = Date.now() % 1_000_000 } = values;
const kinds = values.kinds.split(',').filter((kind) => kind !== '');
const unknown = kinds.filter((kind) => !FAULT_KINDS.includes(kind));
if (unknown.length > 0)
  endWithBadUsage(
    'chaos',
    `unknown kind of fault: ${unknown.join(', ')}; choose from ${FAULT_KINDS.join(', ')}`,
  );
process.stdout.write(`${JSON.stringify({ ...runEnvironment(), faults, seed, seconds })}\n`);
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
const report = await runChaos({
  signal: abort.signal,
  faults,
  seed,
  seconds,
  burstOneIn,
  burstMax,
  kinds,
  ...(values.verbose ? { progress: (line: string) => process.stdout.write(`${line}\n`) } : {}),
});
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
for (const slow of report.slowest) process.stderr.write(`slow: ${formatSlowRecovery(slow)}\n`);
const { lost, torn, doubled, leftovers, notRecovered } = report;
process.exit(lost + torn + doubled + leftovers + notRecovered === 0 ? 0 : 1);
