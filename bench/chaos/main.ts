/** `npm run chaos -- [--faults N] [--seed S] [--seconds T] [--kinds A,B] [--json FILE] [--verbose]`: hurts a real system and tells what became of it. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { circumstances } from '../report.js';
import { runChaos } from './run.js';

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    seconds: { type: 'string', default: '3600' },
    kinds: { type: 'string', default: '' },
    json: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const [faults, seed, seconds] = [values.faults, values.seed, values.seconds].map(Number);
if (![faults, seed, seconds].every((value) => Number.isSafeInteger(value) && Number(value) >= 0)) {
  process.stderr.write('--faults, --seed and --seconds take whole numbers from 0\n');
  process.exit(2);
}
process.stdout.write(`${JSON.stringify({ ...circumstances(), faults, seed, seconds })}\n`);
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
const report = await runChaos({
  signal: ending.signal,
  faults: faults ?? 0,
  seed: seed ?? 0,
  seconds: seconds ?? 0,
  kinds: values.kinds.split(',').filter((kind) => kind !== ''),
  ...(values.verbose ? { progress: (line: string) => process.stdout.write(`${line}\n`) } : {}),
});
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
const { lost, torn, doubled, leftovers, notRecovered } = report;
process.exit(lost + torn + doubled + leftovers + notRecovered === 0 ? 0 : 1);
