/** `npm run fuzz -- [NAME …] [--inputs N] [--seed S]`: runs fuzzers, all or those named, and tells what they did. */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzzer.js';
import { TARGETS } from './targets/all.js';

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
  process.stderr.write(
    `usage: fuzz [NAME …] [--inputs N] [--seed S]; names are ${TARGETS.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}
for (const target of TARGETS) {
  if (positionals.length > 0 && !positionals.includes(target.name)) continue;
  process.stdout.write(`${JSON.stringify({ ...fuzz(target, inputs, seed), seed })}\n`);
}
