/** Splitting and quoting the words of a prompt's line. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { quoteWord, splitLine, wordsOf } from '../../../console/prompt/words.js';

describe('splitting a line of the prompt into words', () => {
  it('the prompt splits a line at spaces outside of quotes', () => {
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

  it('the prompt ignores the rest of a line from a word that begins with #', () => {
    expect(wordsOf('# only this')).to.deep.equal([]);
    expect(wordsOf('apps # which run')).to.deep.equal(['apps']);
    expect(wordsOf('show a#b')).to.deep.equal(['show', 'a#b']);
  });

  it('the prompt refuses a line with a quote that is not closed', () => {
    expect(() => wordsOf('show "ge')).to.throw(/quote " is not closed/);
  });

  it('splitLine returns the index at which the word under completion begins', () => {
    expect(splitLine('show "pid d')).to.deep.equal({
      words: ['show', 'pid d'],
      currentWordStart: 5,
      openQuote: '"',
    });
    expect(splitLine('show ')).to.deep.equal({ words: ['show'], currentWordStart: 5, openQuote: undefined });
  });

  it('splitting the quoted words of a line returns the same words', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(wordsOf(words.map(quoteWord).join(' '))).to.deep.equal(words);
      }),
    );
  });
});
