// `node scripts/debian-package.mjs [--output DIR] [--node MAJOR|running] [--compress xz|none]
// [--version VERSION] [--built]`: makes the Debian package of mirrorflow for this processor and
// prints its path. Called by hand and by the test of the package.
//
// The package contains its own Node (by default 24, from the registry of npm; `running` is the one
// that runs this script) and native modules compiled for it, so that it installs on any Debian
// since 12 without a network. `--built`: nothing is built, for tests. DEBFULLNAME and DEBEMAIL name
// the maintainer (else git's user), SOURCE_DATE_EPOCH the time of all files. Needs dpkg-deb and
// binutils.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildAddons, isBuilt } from './addons.mjs';
import { writeContent } from './debian/content.mjs';
import { writeControl } from './debian/control.mjs';
import { SUPPORTED_NODES, nodePackage } from './nodes.mjs';
import { ROOT, fail, prepare } from './setup.mjs';

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };
const DEFAULT_NODE = '24';
/** A version as Debian has it, without the characters that mean something in names of files. */
const VERSION = /^\d[A-Za-z0-9.+~]*$/;

const options = readOptions();
const architecture = ARCHITECTURES[process.arch];
if (process.platform !== 'linux' || architecture === undefined)
  fail(`a Debian package is made on Linux x64 or arm64, and this is ${process.platform} ${process.arch}.`);
const node = chosenNode(options.node);
if (!options.built) prepare({ build: true });
if (!isBuilt(node.abi)) buildAddons({ abi: node.abi, headers: node.prefix });

const folder = mkdtempSync(join(tmpdir(), 'mirrorflow-debian-'));
try {
  const tree = join(folder, 'tree');
  const builtAt = builtAtSeconds();
  const facts = { version: options.version, architecture, maintainer: maintainer(), builtAt };
  await writeContent(tree, node, facts);
  writeControl(tree, facts);
  mkdirSync(options.output, { recursive: true });
  const file = join(options.output, `mirrorflow_${options.version}_${architecture}.deb`);
  execFileSync('dpkg-deb', [`-Z${options.compress}`, '--root-owner-group', '--build', tree, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(builtAt) },
  });
  console.log(file);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function readOptions() {
  const text = (value) => ({ type: 'string', default: value });
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        output: text('.'),
        node: text(DEFAULT_NODE),
        compress: text('xz'),
        version: text(own),
        built: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    fail(error.message);
  }
  if (!['xz', 'none'].includes(values.compress))
    fail(`--compress is ${values.compress}; it must be xz or none.`);
  if (!VERSION.test(values.version)) fail(`--version is ${values.version}; it must be one such as ${own}.`);
  return { ...values, output: resolve(values.output) };
}

/** The node program that the package contains, the prefix with its headers, and its ABI. */
function chosenNode(word) {
  if (word === 'running')
    return {
      program: process.execPath,
      prefix: undefined,
      abi: process.versions.modules,
      version: process.version,
    };
  const supported = SUPPORTED_NODES.find(({ major }) => String(major) === word);
  if (supported === undefined)
    fail(`--node is ${word}; it must be ${SUPPORTED_NODES.map(({ major }) => major).join(', ')} or running.`);
  const prefix = nodePackage(supported.major);
  const program = join(prefix, 'bin', 'node');
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  return { program, prefix, abi: supported.abi, version };
}

/** As the tools of Debian have it: from the environment, else git's. */
function maintainer() {
  const { DEBFULLNAME: name = git('config', 'user.name'), DEBEMAIL: address = git('config', 'user.email') } =
    process.env;
  if (name !== undefined && address !== undefined) return `${name} <${address}>`;
  return fail('the package needs a maintainer: set DEBFULLNAME and DEBEMAIL, as for the tools of Debian.');
}

function git(...args) {
  try {
    const options = { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    return execFileSync('git', args, options).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Time of the last change of the sources, so that equal sources give equal packages. */
function builtAtSeconds() {
  const stated = process.env.SOURCE_DATE_EPOCH;
  if (stated !== undefined) {
    if (!/^\d{1,12}$/.test(stated)) fail(`SOURCE_DATE_EPOCH is ${stated}; it must be seconds since 1970.`);
    return Number(stated);
  }
  return Number(git('log', '-1', '--format=%ct') ?? Math.floor(Date.now() / 1000));
}
