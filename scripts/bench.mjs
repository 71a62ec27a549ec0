// `npm run bench -- [NAME …] [--json FILE]`: installs dependencies and builds if needed, then runs
// the benchmark program.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
run(process.execPath, [join(ROOT, 'dist', 'bench', 'main.js'), ...process.argv.slice(2)]);
