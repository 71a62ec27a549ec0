/**
 * `npm run model [-- NAME …]`: searches all states of the instances of the model (docs/model.md),
 * or of the named ones, and prints a table. The exit code is 1 when one is not as required.
 */
import { INSTANCES } from './instances.js';
import { missingProgram, search } from './run-instance.js';

const names = process.argv.slice(2);
const unknown = names.find((name) => INSTANCES.every((instance) => instance.name !== name));
if (unknown !== undefined) {
  process.stderr.write(
    `${unknown} is no instance; take some of ${INSTANCES.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(1);
}
const program = missingProgram();
if (program !== undefined) {
  process.stderr.write(`${program} is not installed: the model needs spin and gcc\n`);
  process.exit(1);
}
const row = (cells: readonly string[]): string =>
  `${cells.map((cell, at) => (at === 0 ? cell.padEnd(27) : at < 4 ? cell.padStart(12) : cell)).join('  ')}\n`;
process.stdout.write(row(['instance', 'states', 'seconds', 'MB', 'result']));
for (const instance of INSTANCES) {
  if (names.length > 0 && !names.includes(instance.name)) continue;
  const { asRequired, result, states, seconds, memoryMb, kept } = search(instance);
  const figures = [states.toLocaleString('en'), seconds.toFixed(1), memoryMb.toFixed(0)];
  const verdict = asRequired ? '' : `  NOT AS REQUIRED, see ${kept}`;
  process.stdout.write(row([instance.name, ...figures, `${result}${verdict}`]));
  if (!asRequired) process.exitCode = 1;
}
