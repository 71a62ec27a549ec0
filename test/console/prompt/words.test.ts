import { expect } from 'chai';
import * as fc from 'fast-check';
import { quoteWord, splitLine, wordsOf } from '../../../console/prompt/words.js';

describe('a line of the prompt', () => {
  it('is split at spaces that are not quoted', () => {
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

  it('ends at a comment', () => {
    expect(wordsOf('# only this')).to.deep.equal([]);
    expect(wordsOf('apps # which run')).to.deep.equal(['apps']);
    expect(wordsOf('show a#b')).to.deep.equal(['show', 'a#b']);
  });

  it('is refused with an open quote', () => {
    expect(() => wordsOf('show "ge')).to.throw(/quote " is not closed/);
  });

  it('knows where its last word begins, for the completion', () => {
    expect(splitLine('show "pid d')).to.deep.equal({ words: ['show', 'pid d'], lastStart: 5, open: '"' });
    expect(splitLine('show ')).to.deep.equal({ words: ['show'], lastStart: 5, open: undefined });
  });

  it('gives every word back that was quoted for it', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(wordsOf(words.map(quoteWord).join(' '))).to.deep.equal(words);
      }),
    );
  });
});
