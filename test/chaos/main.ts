/**
 * `npm run chaos -- [options]`, told by `--help`: hurts a real system and tells what became of it.
 */
import { writeFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { endWithBadUsage } from '../../protocol/host/process-kit/usage.js';
import { circumstances } from '../../bench/report.js';
import { FAULT_KINDS } from './faults.js';
import { runChaos } from './run.js';
import { slowInWords } from './slowest.js';

const values = await yargs(hideBin(process.argv))
  .scriptName('npm run chaos --')
  .usage('$0 [options]\n\nHurts a real system at random and tells what became of it, as JSON.')
  .option('faults', { type: 'number', default: 100, requiresArg: true, describe: 'faults to draw' })
  .option('seed', { type: 'number', requiresArg: true, describe: 'of the random numbers; any when left out' })
  .option('seconds', { type: 'number', default: 3600, requiresArg: true, describe: 'longest run' })
  .option('kinds', {
    type: 'string',
    default: '',
    requiresArg: true,
    describe: `only these kinds, with commas between: ${FAULT_KINDS.join(', ')}`,
  })
  .option('json', {
    type: 'string',
    requiresArg: true,
    describe: 'file that the report is written to as well',
  })
  .option('verbose', { type: 'boolean', default: false, describe: 'tell each fault as it is done' })
  .epilogue('Exit codes: 0 nothing was lost and everybody came back, 1 otherwise, 2 bad usage.')
  .version(false)
  .check(({ _: words, faults, seed = 0, seconds }) => {
    if (words.length > 0) throw new Error(`unexpected argument: ${words.join(' ')}`);
    if (![faults, seed, seconds].every((value) => Number.isSafeInteger(value) && value >= 0))
      throw new Error('--faults, --seed and --seconds take whole numbers from 0');
    return true;
  })
  .strict()
  .fail((message: string | null, error: Error | undefined) => endWithBadUsage('chaos', message ?? error))
  .parse();
const { faults, seconds, seed = Date.now() % 1_000_000 } = values;
const kinds = values.kinds.split(',').filter((kind) => kind !== '');
const unknown = kinds.filter((kind) => !FAULT_KINDS.includes(kind));
if (unknown.length > 0)
  endWithBadUsage('chaos', `there is no kind ${unknown.join(', ')}; there are ${FAULT_KINDS.join(', ')}`);
process.stdout.write(`${JSON.stringify({ ...circumstances(), faults, seed, seconds })}\n`);
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
const report = await runChaos({
  signal: ending.signal,
  faults,
  seed,
  seconds,
  kinds,
  ...(values.verbose ? { progress: (line: string) => process.stdout.write(`${line}\n`) } : {}),
});
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
for (const slow of report.slowest) process.stderr.write(`slow: ${slowInWords(slow)}\n`);
const { lost, torn, doubled, leftovers, notRecovered } = report;
process.exit(lost + torn + doubled + leftovers + notRecovered === 0 ? 0 : 1);
