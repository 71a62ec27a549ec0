// npm start: installs and builds if needed, then mirrors a SpecTcl; without options, the embedded simulator.
// The command runs in this very process, so that what stops npm stops it too and its clean-up is waited for.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, prepare } from './setup.mjs';

prepare({ build: true });
const program = join(ROOT, 'dist', 'console', 'main.js');
process.argv.splice(1, Infinity, program, 'start', ...process.argv.slice(2));
await import(pathToFileURL(program));
