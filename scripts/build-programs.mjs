// Bundles every program, the command line and the client library, each with everything it imports,
// because 60 modules take twice as long to load. Called by set-up (setup.mjs) after tsc. Skips what
// is newer than the last compilation.
//
//   dist/programs/NAME.cjs        a thread or short-lived program; of a server, what launches it
//   dist/programs/code/NAME.cjs   a server
//   dist/programs/console/        the command `mirrorflow`; subcommands load when they are used
//   dist/library/mirrorflow.js    what `import 'mirrorflow'` gives; .cjs is the same for `require`
//   dist/types/                   declarations of the library, for `import` and for `require`
//   addons/unix-dgram.cjs         the JavaScript part of unix-dgram
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { build } from 'esbuild';
import { ROOT } from './setup.mjs';

const DIST = join(ROOT, 'dist');
/** Accelerators that ws would use if they were installed; what only programs that use NATS load. */
const EXTERNAL = ['bufferutil', 'utf-8-validate', '@nats-io/*'];

/**
 * Modules of Node have no side effects when they load, but take time: esbuild drops the unused
 * ones.
 */
const nodeModules = {
  name: 'node modules',
  setup({ onResolve }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};

/** `import_node_http = require("node:http")`, as esbuild writes an import of names. */
const DELAYED =
  /(\bimport_\w+ ?= ?)require(\("node:(?:child_process|crypto|dns\/promises|fs\/promises|https?|os|tls|v8|worker_threads|zlib)"\))/g;

const COMMON = {
  absWorkingDir: DIST,
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  // Node prints the source line of an uncaught error.
  lineLimit: 160,
  external: EXTERNAL,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
  plugins: [nodeModules],
};

/** A bundle that a user bundles again as CommonJS has no import.meta.url there. */
const MODULE_URL = `import { createRequire as requireFor } from 'node:module';
import { pathToFileURL as urlOfPath } from 'node:url';
const moduleUrl = import.meta.url || urlOfPath(__filename).href;
const require = requireFor(moduleUrl);`;

function modifiedAtMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const compiledAtMs = Math.max(
  ...[join(DIST, '.tsbuildinfo'), join(ROOT, 'scripts', 'build-programs.mjs')].map(modifiedAtMs),
);

/**
 * Makes the files of dist/FOLDER unless they are up to date. `entryPoints`: the main module of
 * each, by its name without the extension.
 */
async function bundle(folder, entryPoints, extension, options) {
  const target = join(DIST, folder);
  const made = Object.keys(entryPoints).map((name) => join(target, name + extension));
  if (Math.min(...made.map(modifiedAtMs)) > compiledAtMs) return;
  // Beside the old ones and then in their place, so that a program that starts meanwhile is either
  // old or new, and whole.
  const fresh = `${target}.${process.pid}`;
  await build({ ...COMMON, entryPoints, outdir: fresh, outExtension: { '.js': extension }, ...options });
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(fresh)) {
    if (name.endsWith('.map')) thinOut(join(fresh, name));
    else if (name.endsWith('.cjs')) delayModules(join(fresh, name));
  }
  for (const name of readdirSync(fresh)) renameSync(join(fresh, name), join(target, name));
  rmSync(fresh, { recursive: true });
}

/**
 * Lets a program load modules of Node at their first use: many are used late or never. In place of
 * `require` stands a word of the same length, so that the source map stays right.
 */
function delayModules(path) {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace(DELAYED, '$1delayed$2'));
}

/**
 * Stacks name lines: of every source line the first place is kept, which makes a map five times as
 * small.
 */
function thinOut(path) {
  const map = JSON.parse(readFileSync(path, 'utf8'));
  const mappings = decode(map.mappings).map((segments) => {
    let last;
    return segments.filter((segment) => {
      const line = segment.length > 1 ? `${segment[1]}:${segment[2]}` : undefined;
      const isNew = line !== last;
      last = line;
      return isNew;
    });
  });
  writeFileSync(
    path,
    JSON.stringify({
      ...map,
      names: [],
      mappings: encode(mappings.map((segments) => segments.map((s) => s.slice(0, 4)))),
    }),
  );
}

/**
 * The declarations that the library's own reach, for `import` and for `require`: what a
 * package.json says decides which they are for.
 */
function writeTypes() {
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g,
    ))
      visit(join(dirname(file), `${specifier}.d.ts`));
  };
  visit(join(DIST, 'client-lib', 'index.d.ts'));
  rmSync(join(DIST, 'types'), { recursive: true, force: true });
  for (const [folder, type] of Object.entries({ esm: 'module', cjs: 'commonjs' })) {
    const target = join(DIST, 'types', folder);
    for (const file of reached) cpSync(file, join(target, relative(DIST, file)));
    writeFileSync(join(target, 'package.json'), `{ "type": "${type}" }\n`);
  }
}

/**
 * The JavaScript part of unix-dgram, with the search for its native module replaced by the folder
 * of addons/ for the running Node.
 */
async function bundleUnixDgram() {
  const outfile = join(ROOT, 'addons', 'unix-dgram.cjs');
  const source = join(ROOT, 'node_modules', 'unix-dgram', 'lib', 'unix_dgram.js');
  if (
    modifiedAtMs(outfile) >
    Math.max(modifiedAtMs(source), modifiedAtMs(join(ROOT, 'scripts', 'build-programs.mjs')))
  )
    return;
  const loader = `module.exports = (name) => {
    const { platform, arch, versions } = process;
    return require(require('node:path').join(__dirname, platform + '-' + arch + '-' + versions.modules, name));
  };`;
  await build({
    ...COMMON,
    absWorkingDir: ROOT,
    entryPoints: [source],
    outfile,
    sourcemap: false,
    format: 'cjs',
    plugins: [
      {
        name: 'bindings',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^bindings$/ }, () => ({ path: 'bindings', namespace: 'addon' }));
          onLoad({ filter: /.*/, namespace: 'addon' }, () => ({ contents: loader, loader: 'js' }));
        },
      },
    ],
  });
}

/**
 * Programs that keep their compiled code (process-kit/settle.ts): their file launches code/NAME.cjs
 * with it.
 */
const LAUNCHED = ['app-server', 'duplicator', 'gateway', 'host-server', 'web'];

function programsOf(isWanted) {
  return Object.fromEntries(Object.entries(PROGRAM_MODULES).filter(([name]) => isWanted(name)));
}

const { bin, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const { PROGRAM_MODULES } = await import(join(DIST, 'protocol', 'base', 'installation.js'));
const PROGRAM = {
  format: 'cjs',
  // Code that V8 has kept cannot import: packages outside the bundle are required.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'moduleUrl' },
  banner: {
    js: `const moduleUrl = require('node:url').pathToFileURL(__filename).href;
const delayed = (name) => { let loaded; return new Proxy({}, { get: (_, key) => (loaded ??= require(name))[key] }); };`,
  },
};
await bundle(
  'programs/code',
  programsOf((name) => LAUNCHED.includes(name)),
  '.cjs',
  PROGRAM,
);
const launcher = 'protocol/host/process-kit/compiled-code/launcher.js';
await bundle(
  'programs',
  { ...PROGRAM_MODULES, ...Object.fromEntries(LAUNCHED.map((name) => [name, launcher])) },
  '.cjs',
  PROGRAM,
);
await bundle('programs/console', { main: 'console/main.js' }, '.js', {
  format: 'esm',
  splitting: true,
  chunkNames: 'chunk-[hash]',
  banner: {
    js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
  },
});
const library = exports['.'].import.default;
await bundle(basename(dirname(library)), { [basename(library, '.js')]: 'client-lib/index.js' }, '.js', {
  format: 'esm',
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: MODULE_URL },
});
// One instance of the library in a process, however it is loaded.
writeFileSync(
  join(ROOT, exports['.'].require.default),
  `module.exports = require('./${basename(library)}');\n`,
);
writeTypes();
await bundleUnixDgram();
// npm does this when it installs a package; a clone is compiled after that.
for (const command of Object.values(bin)) chmodSync(join(ROOT, command), 0o755);
