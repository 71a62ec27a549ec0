// `npm run docs`: writes the pages of docs/ that are generated from the code.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
const { contractReference } = await import(join(ROOT, 'dist', 'protocol', 'rpc', 'contract', 'reference.js'));
const { numberTables } = await import(join(ROOT, 'dist', 'protocol', 'flow', 'number-tables.js'));
const pages = { 'xml-rpc-methods.md': contractReference(), 'numbers.md': numberTables() };
for (const [name, text] of Object.entries(pages)) {
  const page = join(ROOT, 'docs', name);
  writeFileSync(page, text);
  run(join(ROOT, 'node_modules', '.bin', 'prettier'), ['--write', '--log-level', 'warn', page]);
}
