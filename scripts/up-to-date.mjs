// Whether dist/ is what the present sources make: the compiler and the two bundlers take a second
// to find that out. Called by set-up (setup.mjs). Compares names, times and sizes of the sources
// with those of the last build, which it keeps in dist/.built.
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Besides the folders of tsconfig.json. */
const SOURCES = ['scripts', 'package.json', 'tsconfig.json', 'node_modules/.package-lock.json'];
/** Their times change when a part of the build runs on its own, and when one is removed. */
const OUTPUTS = ['dist/.tsbuildinfo', 'dist/programs', 'dist/library', 'dist/web/static', 'dist/types'];

export function isUpToDate(root) {
  const kept = keptIn(root);
  return existsSync(kept) && readFileSync(kept, 'utf8') === stateOf(root, sourcesOf(root));
}

/**
 * Runs `build`, and keeps the state of the sources from before it: a source that changes meanwhile
 * is built again. After a failed build nothing is up to date.
 */
export function buildFrom(root, build) {
  rmSync(keptIn(root), { force: true });
  const sources = sourcesOf(root);
  build();
  writeFileSync(keptIn(root), stateOf(root, sources));
}

function keptIn(root) {
  return join(root, 'dist', '.built');
}

function stateOf(root, sources) {
  return [...sources, ...OUTPUTS.map((path) => line(root, path))].join('\n');
}

function sourcesOf(root) {
  const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  return [...include, ...SOURCES].flatMap((path) => linesBelow(root, path));
}

function linesBelow(root, path) {
  if (!statSync(`${root}/${path}`, { throwIfNoEntry: false })?.isDirectory()) return [line(root, path)];
  // A folder's own time also changes with files that no build reads.
  return readdirSync(`${root}/${path}`, { withFileTypes: true }).flatMap((entry) => {
    const below = `${path}/${entry.name}`;
    return entry.isDirectory() ? linesBelow(root, below) : [line(root, below)];
  });
}

function line(root, path) {
  const found = statSync(`${root}/${path}`, { throwIfNoEntry: false });
  return found === undefined ? `${path} missing` : `${path} ${found.mtimeMs} ${found.size}`;
}
