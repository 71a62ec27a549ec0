// The files of the Debian package below its root. Called by debian-package.mjs; writes into the
// folder that it is given and nowhere else.
//
//   /usr/lib/mirrorflow/      the program as npm installs it, its Node in bin/, its native modules
//   /usr/bin/mirrorflow       starts it
//   /usr/share/               manual pages, completion, documentation
//   /etc/mirrorflow/          the configuration of the host server
//   /usr/lib/systemd/system/  the unit; sysusers.d and tmpfiles.d: user and directories
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { folderFor } from '../addons.mjs';
import { ROOT } from '../setup.mjs';
import { changelog, copyright } from './documents.mjs';

const HERE = import.meta.dirname;
const PROGRAM_FOLDER = '/usr/lib/mirrorflow';
const CONFIGURATION = '/etc/mirrorflow/host.json';
const ACCOUNT = 'mirrorflow';

export async function writeContent(tree, node, facts) {
  const at = (path) => join(tree, path);
  copyProgram(at(PROGRAM_FOLDER), node, facts.version);
  write(at('/usr/bin/mirrorflow'), readFileSync(join(HERE, 'mirrorflow.sh')), 0o755);
  write(at(CONFIGURATION), readFileSync(join(HERE, 'host.json')), 0o644);
  write(at('/usr/lib/systemd/system/mirrorflow.service'), await unit());
  for (const kind of ['sysusers', 'tmpfiles'])
    write(at(`/usr/lib/${kind}.d/mirrorflow.conf`), readFileSync(join(HERE, `${kind}.conf`)));
  const { referenceFiles } = await compiled('console/reference/files.js');
  const { COMMANDS } = await compiled('console/commands/table.js');
  for (const [path, text] of referenceFiles(COMMANDS, facts.version)) {
    const isPage = path.startsWith('share/man/');
    write(at(`/usr/${path}${isPage ? '.gz' : ''}`), isPage ? compressed(text) : text);
  }
  const documents = at('/usr/share/doc/mirrorflow');
  write(join(documents, 'copyright'), copyright(node));
  write(join(documents, 'changelog.gz'), compressed(changelog(facts)));
  for (const page of readdirSync(join(ROOT, 'docs')).filter((name) => /\.(md|json)$/.test(name)))
    write(join(documents, 'docs', page), readFileSync(join(ROOT, 'docs', page)));
  cpSync(join(ROOT, 'examples'), join(documents, 'examples'), { recursive: true });
  write(at('/usr/share/lintian/overrides/mirrorflow'), readFileSync(join(HERE, 'lintian-overrides')));
  setModes(tree);
}

function copyProgram(folder, { program, abi }, version) {
  const copy = (path) => cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  for (const path of ['dist/library', 'dist/programs', 'dist/types', 'dist/web/static']) copy(path);
  removeInterpreters(join(folder, 'dist', 'programs'));
  copy('addons/unix-dgram.cjs');
  copy(join('addons', basename(folderFor(abi))));
  // The one package that is not bundled: its native module differs from processor to processor.
  const koffi = `node_modules/@koromix/koffi-linux-${process.arch}`;
  if (existsSync(join(ROOT, koffi)))
    cpSync(join(ROOT, koffi), join(folder, koffi), {
      recursive: true,
      // For systems with another C library.
      filter: (path) => !basename(path).startsWith('musl'),
    });
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const published = Object.fromEntries(
    ['name', 'description', 'license', 'type', 'main', 'types', 'exports'].map((key) => [key, manifest[key]]),
  );
  write(join(folder, 'package.json'), `${JSON.stringify({ ...published, version }, undefined, 2)}\n`);
  const node = join(folder, 'bin', 'node');
  mkdirSync(dirname(node), { recursive: true });
  copyFileSync(program, node);
  // Names of symbols for debuggers are half of some of these files; what they export stays.
  for (const file of [node, ...nativeModules(folder)]) execFileSync('strip', ['--strip-unneeded', file]);
  writeSums(join(folder, 'addons', basename(folderFor(abi))));
  // For programs in JavaScript: with NODE_PATH=/usr/share/nodejs they find the library.
  const library = join(folder, '..', '..', 'share', 'nodejs', 'mirrorflow');
  mkdirSync(dirname(library), { recursive: true });
  symlinkSync('../../lib/mirrorflow', library);
}

function nativeModules(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.node'))
    .map((name) => join(folder, name));
}

/** `mirrorflow doctor` compares the native modules with these. */
function writeSums(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.node'));
  const sums = execFileSync('sha256sum', names, { cwd: folder, encoding: 'utf8' });
  write(join(folder, 'SHA256SUMS'), sums);
}

async function unit() {
  const { systemdUnit } = await compiled('host-server/boot/systemd-unit.js');
  return systemdUnit({
    scope: 'system',
    execPath: `${PROGRAM_FOLDER}/bin/node`,
    script: `${PROGRAM_FOLDER}/dist/programs/host-server.cjs`,
    configFile: CONFIGURATION,
    user: ACCOUNT,
    group: ACCOUNT,
    documentation: 'man:mirrorflow(1)',
  });
}

function compiled(path) {
  return import(join(ROOT, 'dist', path));
}

function compressed(text) {
  return gzipSync(text, { level: 9 });
}

function write(path, content, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/**
 * Scripts of Node name their interpreter in the first line; here the command and the unit start
 * them with the package's own Node, so that the line, which would need the package nodejs, goes.
 */
function removeInterpreters(folder) {
  for (const name of readdirSync(folder, { recursive: true }).filter((file) => /\.c?js$/.test(file))) {
    const path = join(folder, name);
    const text = readFileSync(path, 'utf8');
    // An empty line stays, for the lines of source maps.
    if (text.startsWith('#!')) writeFileSync(path, text.replace(/^#!.*/, ''));
  }
}

/** Directories 755; files 755 where they are programs, else 644. */
function setModes(folder) {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const isProgram = /\/bin\/[^/]+$/.test(path);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.isFile()) chmodSync(path, isProgram ? 0o755 : 0o644);
  }
}
