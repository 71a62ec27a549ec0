// npm run fuzz -- [NAME …] [--inputs N] [--seed S]: installs and builds if needed, then gives garbage to every parser that faces the outside.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
run(process.execPath, [join(ROOT, 'dist', 'test', 'fuzz', 'main.js'), ...process.argv.slice(2)]);
