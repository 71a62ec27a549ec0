// `npm run mutate -- [ROOM …] [--draw N] [--seed S] [--again] [--json FILE]`: installs dependencies
// and builds if needed, then puts one fault at a time into a module and runs the tests of its room.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
run(process.execPath, [join(ROOT, 'dist', 'test', 'mutate', 'main.js'), ...process.argv.slice(2)]);
