// npm run bench -- [NAME …] [--json FILE]: installs and builds if needed, then runs the benchmark programs.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
run(process.execPath, [join(ROOT, 'dist', 'bench', 'main.js'), ...process.argv.slice(2)]);
