/** docs/promises.md names tests that exist, by their titles. Reads files only. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';

const KEPT = ['met', 'better', 'partly', 'does not apply'];

interface Row {
  readonly number: number;
  readonly kept: string;
  readonly test: string;
}

function rowsOf(page: string): Row[] {
  return [...page.matchAll(/^\| +(\d+) +\|(?:[^|]+)\| +([^|]+?) +\| +(.+?) +\|$/gm)].map(
    ([, number = '', kept = '', test = '']) => ({ number: Number(number), kept, test }),
  );
}

/** Whether a test of the file has this title, which may be a template. */
function hasTest(file: string, title: string): boolean {
  const path = join(packageFolder(), 'test', file);
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8');
  return ["'", '"', '`'].some((quote) => text.includes(`it(${quote}${title}${quote}`));
}

describe('the page of promises', () => {
  const page = readFileSync(join(packageFolder(), 'docs', 'promises.md'), 'utf8');
  const rows = rowsOf(page);

  it('every promise that is kept names a test that exists with this title', () => {
    const wrong = rows.filter(({ kept, test }) => {
      if (test === '–') return !kept.startsWith('does not apply');
      const [, file = '', title = ''] = /^\[.+?\]\(\.\.\/test\/(\S+)\): “(.+)”$/.exec(test) ?? [];
      return !hasTest(file, title);
    });
    expect(wrong).to.deep.equal([]);
  });

  it('the promises are numbered, each with how it is kept, and counted right', () => {
    expect(rows.map(({ number }) => number)).to.deep.equal(rows.map((_, at) => at + 1));
    expect(rows.length).to.be.above(100);
    const counts = KEPT.map((word) => rows.filter(({ kept }) => kept.startsWith(word)).length);
    expect(counts.reduce((sum, count) => sum + count, 0)).to.equal(rows.length);
    const [met, better, partly, none] = counts;
    expect(page).to.include(
      `Of ${rows.length} statements ${met} are met, ${better} by something better, ${partly} in part, and ${none} do not apply.`,
    );
  });
});
