// `npm start`: installs dependencies and builds if needed, then mirrors a SpecTcl; without options,
// the embedded simulator. The command runs in this process, so that a signal to npm stops it as
// well and npm waits for its clean-up.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, prepare } from './setup.mjs';

prepare({ build: true });
const program = join(ROOT, 'dist', 'programs', 'console', 'main.js');
process.argv.splice(1, Infinity, program, 'start', ...process.argv.slice(2));
await import(pathToFileURL(program));
