// Run by `npm pack` and `npm publish`: builds everything, the native modules for every supported Node included, so that
// the package installs without a compiler, without a script and without asking any server.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { buildAddons, isBuilt, shipSources } from './addons.mjs';
import { SUPPORTED_NODES, nodePackage } from './nodes.mjs';
import { ROOT, prepare } from './setup.mjs';

prepare({ build: true });
for (const { major, abi } of SUPPORTED_NODES) {
  if (isBuilt(abi)) continue;
  process.stderr.write(`Building the native modules for Node ${major} ...\n`);
  buildAddons({ abi, headers: nodePackage(major) });
}
shipSources();
writeTypes();

/** The declarations that the library's own reach, for `import` and for `require`: what a package.json says decides which they are for. */
function writeTypes() {
  const dist = join(ROOT, 'dist');
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g,
    ))
      visit(join(dirname(file), `${specifier}.d.ts`));
  };
  visit(join(dist, 'client-lib', 'index.d.ts'));
  rmSync(join(dist, 'types'), { recursive: true, force: true });
  for (const [folder, type] of Object.entries({ esm: 'module', cjs: 'commonjs' })) {
    const target = join(dist, 'types', folder);
    for (const file of reached) cpSync(file, join(target, relative(dist, file)));
    writeFileSync(join(target, 'package.json'), `{ "type": "${type}" }\n`);
  }
}
