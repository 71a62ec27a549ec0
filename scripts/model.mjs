// `npm run model [-- NAME …]`: installs and builds if needed, then searches all states of the model
// of a flow (docs/model.md) with spin.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';

prepare({ build: true });
run(process.execPath, [join(ROOT, 'dist', 'test', 'model', 'main.js'), ...process.argv.slice(2)]);
