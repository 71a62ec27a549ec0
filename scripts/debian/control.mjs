// The control files of the Debian package: its description, what it depends on, its configuration
// files and maintainer scripts. Called by debian-package.mjs; reads the finished tree and writes
// its folder DEBIAN.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { dependencies } from './dependencies.mjs';

const HERE = import.meta.dirname;
const SCRIPTS = ['postinst', 'prerm', 'postrm'];
const KIB = 1024;

export function writeControl(tree, { version, architecture, maintainer, builtAt }) {
  const files = filesOf(tree);
  const kib = files.reduce((sum, path) => sum + Math.ceil(lstatSync(join(tree, path)).size / KIB), 0);
  const folder = join(tree, 'DEBIAN');
  mkdirSync(folder);
  const write = (name, text) => writeFileSync(join(folder, name), text);
  write(
    'control',
    [
      'Package: mirrorflow',
      `Version: ${version}`,
      `Architecture: ${architecture}`,
      `Maintainer: ${maintainer}`,
      `Installed-Size: ${kib}`,
      `Depends: ${dependencies(files.map((path) => join(tree, path))).join(', ')}`,
      'Section: science',
      'Priority: optional',
      'Description: mirrors of SpecTcl spectra, and other flows, once per host',
      ' The spectra of a SpecTcl, and any other flow of fixed-size buffers, are kept',
      ' once per host in shared memory, for any number of programs on this host and',
      ' on others: a viewer in the browser, commands for the terminal, existing',
      ' viewers of SpecTcl, and programs in JavaScript, Python and C.',
      ' .',
      ' The package contains the Node.js that the programs run with.',
      '',
    ].join('\n'),
  );
  write(
    'conffiles',
    files
      .filter((path) => path.startsWith('etc/'))
      .map((path) => `/${path}\n`)
      .join(''),
  );
  write(
    'md5sums',
    files
      .filter((path) => !path.startsWith('etc/'))
      .map((path) => md5Line(tree, path))
      .join(''),
  );
  for (const script of SCRIPTS) {
    copyFileSync(join(HERE, script), join(folder, script));
    chmodSync(join(folder, script), 0o755);
  }
  // dpkg-deb limits the times of files to this one; equal times make equal packages.
  execFileSync('find', [tree, '-newermt', `@${builtAt}`, '-exec', 'touch', '-hd', `@${builtAt}`, '{}', '+']);
}

/** Paths of all files and links, without a slash in front, in a fixed order. */
function filesOf(tree) {
  return readdirSync(tree, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .sort();
}

function md5Line(tree, path) {
  if (lstatSync(join(tree, path)).isSymbolicLink()) return '';
  const sum = createHash('md5')
    .update(readFileSync(join(tree, path)))
    .digest('hex');
  return `${sum}  ${path}\n`;
}
