// `npm run chaos -- [--faults N] [--seed S] [--seconds T] [--json FILE] [--verbose]`: installs
// dependencies and builds if needed, then injects random faults into a real system.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
run(process.execPath, [join(ROOT, 'dist', 'test', 'chaos', 'main.js'), ...process.argv.slice(2)]);
