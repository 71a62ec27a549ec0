import { expect } from 'chai';
import * as fc from 'fast-check';
import { quoteWord, splitLine, wordsOf } from '../../../console/prompt/words.js';

describe('a line of the prompt', () => {
  it('a line is split at unquoted spaces', () => {
    expect(wordsOf(`  show "pid de" 'a "b"' c\\ d  --watch `)).to.deep.equal([
      'show',
      'pid de',
      'a "b"',
      'c d',
      '--watch',
    ]);
    expect(wordsOf('')).to.deep.equal([]);
    expect(wordsOf(`show ''`)).to.deep.equal(['show', '']);
  });

  it('a comment ends a line', () => {
    expect(wordsOf('# only this')).to.deep.equal([]);
    expect(wordsOf('apps # which run')).to.deep.equal(['apps']);
    expect(wordsOf('show a#b')).to.deep.equal(['show', 'a#b']);
  });

  it('a line with an open quote is refused', () => {
    expect(() => wordsOf('show "ge')).to.throw(/quote " is not closed/);
  });

  it('a split line reports where its last word begins', () => {
    expect(splitLine('show "pid d')).to.deep.equal({ words: ['show', 'pid d'], lastStart: 5, open: '"' });
    expect(splitLine('show ')).to.deep.equal({ words: ['show'], lastStart: 5, open: undefined });
  });

  it('a quoted word is split into the same word again', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(wordsOf(words.map(quoteWord).join(' '))).to.deep.equal(words);
      }),
    );
  });
});
