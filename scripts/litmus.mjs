// `npm run litmus -- [--seconds S] [--write] [--node MAJOR]`: installs and builds if needed, then
// shows whether plain memory accesses keep their order on this processor, with the running Node or
// another. Counts add up in litmus-results.json.
import { join } from 'node:path';
import { buildAddons, isBuilt } from './addons.mjs';
import { SUPPORTED_NODES, nodePackage } from './nodes.mjs';
import { ROOT, fail, prepare, run } from './setup.mjs';

const words = process.argv.slice(2);
prepare({ build: true });
run(nodeBinary(), [join(ROOT, 'dist', 'test', 'litmus', 'main.js'), ...words]);

function nodeBinary() {
  const at = words.indexOf('--node');
  if (at < 0) return process.execPath;
  const [, word] = words.splice(at, 2);
  const wanted = SUPPORTED_NODES.find(({ major }) => String(major) === word);
  if (wanted === undefined)
    fail(`--node takes one of ${SUPPORTED_NODES.map(({ major }) => major).join(', ')}`);
  const prefix = nodePackage(wanted.major);
  if (!isBuilt(wanted.abi)) buildAddons({ abi: wanted.abi, headers: prefix });
  return join(prefix, 'bin', 'node');
}
