// Run by `npm pack` and `npm publish`: builds everything, the native modules for every supported
// Node included, so that the package installs without a compiler, a script or a request to any
// server.
import { buildAddons, isBuilt, shipSources } from './addons.mjs';
import { SUPPORTED_NODES, nodePackage } from './nodes.mjs';
import { prepare } from './setup.mjs';

// `--built`: for tests, which have built everything for the Node that runs them.
const built = process.argv.includes('--built');
if (!built) prepare({ build: true });
for (const { major, abi } of built ? [] : SUPPORTED_NODES) {
  if (isBuilt(abi)) continue;
  process.stderr.write(`Building the native modules for Node ${major} ...\n`);
  buildAddons({ abi, headers: nodePackage(major) });
}
shipSources();
