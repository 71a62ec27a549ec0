/** Text of other machines before it reaches a terminal: no escape sequence survives. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { columnsOf, cutTo, padLeft, padRight, printable } from '../../../console/render/printable.js';

describe('printable text', () => {
  it('an escape sequence loses its escape', () => {
    expect(printable('\x1b[2Jgone\x07\x9b31m')).to.equal('?[2Jgone??31m');
  });
  it('line breaks and tabs become spaces', () => {
    expect(printable('a\r\nb\tc\u2028d')).to.equal('a  b c d');
  });
  it('characters that reverse the writing direction are shown as question marks', () => {
    expect(printable('\u202Eabc\u2066')).to.equal('?abc?');
  });
  it('a half of a surrogate pair is shown as a question mark', () => {
    expect(printable('a\ud800b')).to.equal('a?b');
  });
  it('only ASCII passes to a terminal without Unicode', () => {
    expect(printable('Energie (µs) Û', false)).to.equal('Energie (?s) ?');
  });
  it('at most two marks stay on a letter', () => {
    expect(printable(`e${'\u0301'.repeat(50)}`)).to.equal('e\u0301\u0301');
  });
  it('no text keeps a control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, unicode) => {
        expect(printable(text, unicode)).not.to.match(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
  it('printable text stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, unicode) => {
        const once = printable(text, unicode);
        expect(printable(once, unicode)).to.equal(once);
      }),
    );
  });
});

describe('the width of a text', () => {
  it('a wide character takes two columns and a mark none', () => {
    expect(columnsOf('日本')).to.equal(4);
    expect(columnsOf('🙂')).to.equal(2);
    expect(columnsOf('e\u0301')).to.equal(1);
    expect(columnsOf('█│┤')).to.equal(3);
  });
  it('a text that fits is not cut', () => {
    expect(cutTo('abc', 3)).to.equal('abc');
  });
  it('a text that does not fit ends in an ellipsis', () => {
    expect(cutTo('abcdef', 4)).to.equal('abc…');
    expect(cutTo('abcdef', 4, false)).to.equal('ab..');
    expect(cutTo('abcdef', 1, false)).to.equal('.');
    expect(cutTo('abcdef', 0)).to.equal('');
  });
  it('a wide character is never cut through', () => {
    expect(cutTo('日本語', 4)).to.equal('日…');
    expect(cutTo('a日本語', 4)).to.equal('a日…');
  });
  it('a cut never separates a letter from its marks', () => {
    expect(cutTo('abe\u0301def', 4)).to.equal('abe\u0301…');
  });
  it('a cut text never exceeds its columns', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), fc.boolean(), (raw, columns, unicode) => {
        const cut = cutTo(printable(raw, unicode), columns, unicode);
        expect(columnsOf(cut)).to.be.at.most(columns);
        expect(columnsOf(padLeft(cut, columns))).to.equal(columns);
        expect(columnsOf(padRight(cut, columns))).to.equal(columns);
      }),
    );
  });
});
