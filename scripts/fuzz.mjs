// `npm run fuzz -- [NAME …] [--inputs N] [--seed S]`: installs dependencies and builds if needed,
// then feeds garbage to every parser of external input.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
run(process.execPath, [join(ROOT, 'dist', 'test', 'fuzz', 'main.js'), ...process.argv.slice(2)]);
