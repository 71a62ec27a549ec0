// Bundles the programs that are started on a flow's way to a reader to dist/programs, each with all it uses in one file: a program of 60
// modules takes twice as long to start. Skipped when they are newer than what was compiled last. Makes the commands executable, which npm
// does when it installs, but here they are compiled after that. Run after tsc.
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './setup.mjs';

const DIST = join(ROOT, 'dist');
const TARGET = join(DIST, 'programs');
/** Loaded by path, or not there at all. */
const EXTERNAL = ['mmap-io', 'unix-dgram', 'koffi', 'bufferutil', 'utf-8-validate'];

function madeAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
for (const command of Object.values(bin)) chmodSync(join(ROOT, command), 0o755);

const { PROGRAM_MODULES } = await import(join(DIST, 'protocol', 'installation.js'));
const names = Object.keys(PROGRAM_MODULES);
const made = names.flatMap((name) => ['.cjs', '.cjs.map'].map((end) => join(TARGET, name + end)));
const newest = Math.max(
  ...[join(DIST, '.tsbuildinfo'), join(ROOT, 'scripts', 'build-programs.mjs')].map(madeAt),
);
if (Math.min(...made.map(madeAt)) <= newest) {
  // Beside the old ones and then in their place, so that a program that is started meanwhile is the one or the other, and whole.
  const fresh = `${TARGET}.${process.pid}`;
  await build({
    absWorkingDir: DIST,
    entryPoints: Object.fromEntries(names.map((name) => [name, PROGRAM_MODULES[name]])),
    outdir: fresh,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    external: EXTERNAL,
    sourcemap: 'linked',
    sourcesContent: false,
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  });
  mkdirSync(TARGET, { recursive: true });
  for (const name of readdirSync(fresh)) renameSync(join(fresh, name), join(TARGET, name));
  rmSync(fresh, { recursive: true });
}
