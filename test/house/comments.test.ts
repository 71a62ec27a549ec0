/** House rules about comments, checked over all sources of the project. Reads files only. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';

const COLUMNS_MAX = 100;
const SKIPPED = new Set(['node_modules', 'dist', 'addons', 'coverage']);

/** Paths of all sources below a folder; folders that begin with a dot are left out. */
function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name) || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(ts|mjs)$/.test(entry.name)) yield path;
  }
}

/** Line numbers of comments that are too wide; fenced blocks, tables and diagrams are exempt. */
function wideComments(text: string): number[] {
  let fenced = false;
  return text.split('\n').flatMap((line, index) => {
    const isComment =
      !line.includes('// prettier-ignore') && (/^\s*(\/\/|\/\*|\*)/.test(line) || /[;{},)] \/\/ /.test(line));
    if (isComment && line.includes('```')) fenced = !fenced;
    const isDrawn = fenced || /[│┌└├┐┘┤┬┴┼─]|^\s*\*?\s*\||[^\s*] {3,}\S/.test(line);
    return isComment && line.length > COLUMNS_MAX && !isDrawn ? [index + 1] : [];
  });
}

describe('comments', () => {
  it('no comment is wider than 100 columns, except tables and diagrams', () => {
    const wide = [...sources(packageFolder())].flatMap((path) =>
      wideComments(readFileSync(path, 'utf8')).map((line) => `${relative(packageFolder(), path)}:${line}`),
    );
    expect(wide).to.deep.equal([]);
  });

  it('every source file begins with a comment that says what it is for', () => {
    const bare = [...sources(packageFolder())].filter(
      (path) => !/^(#!.*\n)?(\/\*\*|\/\/ \S)/.test(readFileSync(path, 'utf8')),
    );
    expect(bare.map((path) => relative(packageFolder(), path))).to.deep.equal([]);
  });
});
