// `npm run docs`: writes the pages of docs/ that are generated from the code.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
const { contractReference } = await import(join(ROOT, 'dist', 'protocol', 'rpc', 'contract', 'reference.js'));
const page = join(ROOT, 'docs', 'xml-rpc-methods.md');
writeFileSync(page, contractReference());
run(join(ROOT, 'node_modules', '.bin', 'prettier'), ['--write', '--log-level', 'warn', page]);
