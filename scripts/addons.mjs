// Builds the two native modules, mmap-io and unix-dgram, from their sources into addons/. Called by
// set-up, the packaging script and `mirrorflow build-addons`.
//
//   addons/linux-x64-137/mmap_io.node   one folder per platform, processor and ABI of Node
//   addons/linux-x64-137/SHA256SUMS     checksums, in the format of sha256sum(1)
//   addons/unix-dgram.cjs               the JavaScript part of unix-dgram, which loads its module
//   addons/source/                      what a build needs; only in the published package
//
// The packages' own installation scripts never run: one of them asks a foreign server for binaries,
// and neither compiles with the headers of Node 24. Nothing is downloaded here. Runs in a clone
// (sources in node_modules) and in the published package (sources in addons/source), with no
// dependency but the node-gyp that comes with npm.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const ADDONS = join(ROOT, 'addons');
const SHIPPED_SOURCES = join(ADDONS, 'source');
/** The binary of each package, as its binding.gyp names it. */
export const MODULES = { 'mmap-io': 'mmap_io.node', 'unix-dgram': 'unix_dgram.node' };
const SOURCES = {
  'mmap-io': ['binding.gyp', 'src/mmap-io.cc', 'src/mman.h', 'LICENSE', 'package.json'],
  'unix-dgram': ['binding.gyp', 'src/unix_dgram.cc', 'src/win_dummy.cc', 'LICENSE', 'package.json'],
};
const CHECKSUMS = 'SHA256SUMS';

/** The folder of the builds for one ABI, by default that of the running Node. */
export function folderFor(abi = process.versions.modules) {
  return join(ADDONS, `${process.platform}-${process.arch}-${abi}`);
}

/** True when both modules are there and have their checksums. */
export function isBuilt(abi) {
  const folder = folderFor(abi);
  const list = join(folder, CHECKSUMS);
  if (!existsSync(list)) return false;
  const lines = readFileSync(list, 'utf8').trim().split('\n');
  return (
    lines.length === Object.keys(MODULES).length &&
    lines.every((line) => {
      const [sum, name] = line.split(/\s+/);
      const file = join(folder, name ?? '');
      return existsSync(file) && checksum(file) === sum;
    })
  );
}

/**
 * Builds both modules and puts them in place together. `headers`: the prefix whose include/node
 * belongs to the Node with this ABI. Throws an Error that says what is missing.
 */
export function buildAddons({ abi = process.versions.modules, headers = ownHeaders() } = {}) {
  checkHeaders(headers, abi);
  const scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-addons-'));
  try {
    const built = join(scratch, 'built');
    mkdirSync(built);
    for (const [name, binary] of Object.entries(MODULES)) {
      const folder = join(scratch, name);
      copySources(name, folder);
      compile(name, folder, headers);
      copyFileSync(join(folder, 'build', 'Release', binary), join(built, binary));
    }
    const sums = Object.values(MODULES).map((binary) => `${checksum(join(built, binary))}  ${binary}\n`);
    writeFileSync(join(built, CHECKSUMS), sums.join(''));
    checkLoading(built, abi, headers);
    const target = folderFor(abi);
    const fresh = `${target}.${process.pid}`;
    cpSync(built, fresh, { recursive: true });
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Puts the sources of both modules, and the headers they include, into addons/source for the
 * published package.
 */
export function shipSources() {
  rmSync(SHIPPED_SOURCES, { recursive: true, force: true });
  for (const name of Object.keys(MODULES)) copySources(name, join(SHIPPED_SOURCES, name), false);
  copyNan(join(SHIPPED_SOURCES, 'nan'));
}

function copySources(name, to, withNan = true) {
  const shipped = join(SHIPPED_SOURCES, name);
  const from = existsSync(shipped) ? shipped : join(ROOT, 'node_modules', name);
  for (const file of SOURCES[name]) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(from, file), join(to, file));
  }
  // Its last target would copy the binary into a folder that node-pre-gyp names.
  const gyp = readFileSync(join(to, 'binding.gyp'), 'utf8');
  writeFileSync(
    join(to, 'binding.gyp'),
    gyp.replace(/,\s*\{\s*"target_name": "action_after_build"[\s\S]*?\n {4}\}/, ''),
  );
  if (withNan) copyNan(join(to, 'node_modules', 'nan'));
}

function copyNan(to) {
  const shipped = join(SHIPPED_SOURCES, 'nan');
  cpSync(existsSync(shipped) ? shipped : join(ROOT, 'node_modules', 'nan'), to, {
    recursive: true,
    filter: (path) => !/[/\\](doc|tools)$|README|CHANGELOG/.test(path),
  });
}

function compile(name, folder, headers) {
  const result = spawnSync(process.execPath, [nodeGyp(), 'rebuild', '--nodedir', headers], {
    cwd: folder,
    encoding: 'utf8',
    // The headers of Node 24 and later need C++20; the package states C++17, and the last word
    // counts.
    // node-gyp prefers a setting of npm in the environment to its own option --nodedir.
    env: {
      ...process.env,
      npm_config_nodedir: headers,
      CXXFLAGS: `${process.env.CXXFLAGS ?? ''} -std=gnu++20`.trim(),
    },
  });
  if (result.status === 0) return;
  const said = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-15).join('\n');
  throw new Error(
    `the native module ${name} cannot be compiled for Node ${process.version} on ${process.platform} ${process.arch}; ` +
      `a C++ compiler (g++ 10 or newer), make and Python 3 are needed (Debian: apt install g++ make python3)\n${said}`,
  );
}

/** Throws unless the headers below this prefix are those of the ABI. */
function checkHeaders(headers, abi) {
  const version = readFileSync(join(headers, 'include', 'node', 'node_version.h'), 'utf8');
  const found = /^#define NODE_MODULE_VERSION (\d+)$/m.exec(version)?.[1];
  if (found === String(abi)) return;
  throw new Error(
    `the headers in ${join(headers, 'include', 'node')} are of ABI ${found ?? 'unknown'}, not ${abi}; ` +
      'name the prefix of the right ones in npm_config_nodedir',
  );
}

/**
 * Loads the new modules in the Node of that ABI, where it is at hand, and throws when it refuses
 * them.
 */
function checkLoading(folder, abi, headers) {
  const node = abi === process.versions.modules ? process.execPath : join(headers, 'bin', 'node');
  if (!existsSync(node)) return;
  for (const binary of Object.values(MODULES)) {
    const result = spawnSync(node, ['-e', 'require(process.argv[1])', join(folder, binary)], {
      encoding: 'utf8',
    });
    if (result.status !== 0)
      throw new Error(`the new native module ${binary} cannot be loaded: ${(result.stderr || '').trim()}`);
  }
}

/** Where the headers of the running Node are: npm_config_nodedir, or beside its own binary. */
function ownHeaders() {
  const stated = process.env.npm_config_nodedir;
  const prefixes = [...(stated ? [stated] : []), dirname(dirname(realpathSync(process.execPath)))];
  const found = prefixes.find((prefix) => existsSync(join(prefix, 'include', 'node', 'node_version.h')));
  if (found !== undefined) return found;
  throw new Error(
    `the headers of Node ${process.version} are not in ${prefixes.join(' or ')}; ` +
      'install them, or name their prefix (the folder above include/node) in npm_config_nodedir',
  );
}

/** The node-gyp that npm brings. */
function nodeGyp() {
  const script = join('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const candidates = [
    process.env.npm_config_node_gyp,
    process.env.npm_execpath && join(dirname(dirname(process.env.npm_execpath)), script),
    ...(process.env.PATH ?? '').split(delimiter).flatMap((folder) => {
      const npm = join(folder, 'npm');
      return existsSync(npm) ? [join(dirname(dirname(realpathSync(npm))), script)] : [];
    }),
  ];
  const found = candidates.find((path) => path && existsSync(path));
  if (found !== undefined) return found;
  throw new Error('npm, which brings the build tool node-gyp, is not in PATH');
}

function checksum(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    buildAddons();
    process.stdout.write(`${folderFor()}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
