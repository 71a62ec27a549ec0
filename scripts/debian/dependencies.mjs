// What the programs and libraries of the Debian package need from other packages, read from the
// files themselves. Called by control.mjs; runs readelf.
import { execFileSync } from 'node:child_process';
import { openSync, readSync, closeSync, lstatSync } from 'node:fs';

/** Packages of Debian 12 and later that contain each library. */
const PACKAGES = {
  'ld-linux-x86-64.so.2': 'libc6',
  'ld-linux-aarch64.so.1': 'libc6',
  'libatomic.so.1': 'libatomic1',
  'libc.so.6': 'libc6',
  'libdl.so.2': 'libc6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libm.so.6': 'libc6',
  'libpthread.so.0': 'libc6',
  'librt.so.1': 'libc6',
  'libstdc++.so.6': 'libstdc++6',
};
/** The release of gcc that brought each GLIBCXX_3.4.N. Source: manual of libstdc++, abi.html. */
const GCC_OF = { 26: '9', 27: '9', 28: '9', 29: '11', 30: '12', 31: '13', 32: '13', 33: '14', 34: '15' };
const GCC_MIN = '8';
/** What the maintainer scripts run. */
const PROGRAMS = [
  'init-system-helpers (>= 1.52)',
  'systemd | systemd-standalone-sysusers | systemd-sysusers',
];

/** The words of the field Depends. Throws an Error for a library of an unknown package. */
export function dependencies(files) {
  const packages = new Set();
  let libc = [2, 0];
  let libstdcxx = 0;
  for (const file of files.filter(isElf)) {
    const text = execFileSync('readelf', ['--wide', '--dynamic', '--version-info', file], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    for (const [, library] of text.matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
      if (PACKAGES[library] === undefined)
        throw new Error(`${file} needs ${library}, whose package is unknown`);
      packages.add(PACKAGES[library]);
    }
    for (const [, major, minor] of text.matchAll(/Name: GLIBC_(\d+)\.(\d+)/g))
      if (Number(major) === libc[0] && Number(minor) > libc[1]) libc = [Number(major), Number(minor)];
    for (const [, number] of text.matchAll(/Name: GLIBCXX_3\.4\.(\d+)/g))
      libstdcxx = Math.max(libstdcxx, Number(number));
  }
  const versions = { libc6: libc.join('.'), 'libstdc++6': GCC_OF[libstdcxx] ?? GCC_MIN };
  const libraries = [...packages]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => (versions[name] === undefined ? name : `${name} (>= ${versions[name]})`));
  return [...libraries, ...PROGRAMS];
}

function isElf(path) {
  if (!lstatSync(path).isFile()) return false;
  const file = openSync(path, 'r');
  try {
    const magic = Buffer.alloc(4);
    readSync(file, magic);
    return magic.toString('latin1') === '\x7fELF';
  } finally {
    closeSync(file);
  }
}
