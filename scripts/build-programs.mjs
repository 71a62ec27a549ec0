// Bundles what is started on a flow's way to a reader, each with all it uses in one file, since 60 modules take twice as long to load: the
// programs to dist/programs, and the client library, as `import 'mirrorflow'` gives it, to dist/library. Skipped when they are newer than what
// was compiled last. Makes the commands executable, which npm does when it installs, but here they are compiled after that. Run after tsc.
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './setup.mjs';

const DIST = join(ROOT, 'dist');
/** Loaded by path, or not there at all. */
const EXTERNAL = ['mmap-io', 'unix-dgram', 'koffi', 'bufferutil', 'utf-8-validate'];

/** Modules of Node do nothing by being loaded but take time: one that nothing is used of is left out. */
const nodeModules = {
  name: 'node modules',
  setup({ onResolve }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};

const COMMON = {
  absWorkingDir: DIST,
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  external: EXTERNAL,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
  plugins: [nodeModules],
};

function madeAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Makes the files of dist/FOLDER unless they are up to date. `entryPoints`: the main module of each, by its name without the extension. */
async function bundle(folder, entryPoints, extension, options) {
  const target = join(DIST, folder);
  const made = Object.keys(entryPoints).flatMap((name) =>
    [extension, `${extension}.map`].map((end) => join(target, name + end)),
  );
  const newest = Math.max(
    ...[join(DIST, '.tsbuildinfo'), join(ROOT, 'scripts', 'build-programs.mjs')].map(madeAt),
  );
  if (Math.min(...made.map(madeAt)) > newest) return;
  // Beside the old ones and then in its place, so that a program that is started meanwhile is the one or the other, and whole.
  const fresh = `${target}.${process.pid}`;
  await build({ ...COMMON, entryPoints, outdir: fresh, outExtension: { '.js': extension }, ...options });
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(fresh)) renameSync(join(fresh, name), join(target, name));
  rmSync(fresh, { recursive: true });
}

const { bin, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
for (const command of Object.values(bin)) chmodSync(join(ROOT, command), 0o755);

const { PROGRAM_MODULES } = await import(join(DIST, 'protocol', 'base', 'installation.js'));
await bundle('programs', PROGRAM_MODULES, '.cjs', {
  format: 'cjs',
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
});
const library = exports['.'].default;
await bundle(basename(dirname(library)), { [basename(library, '.js')]: 'client-lib/index.js' }, '.js', {
  format: 'esm',
  // For packages that are no ES modules themselves.
  banner: {
    js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
  },
});
