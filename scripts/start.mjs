// npm start: installs and builds if needed, then mirrors a SpecTcl; without options, the embedded simulator.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
run(process.execPath, [join(ROOT, 'dist', 'console', 'main.js'), 'start', ...process.argv.slice(2)]);
