/** 64-bit words as two halves, in every order in which another process may see them. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { Words, highHalf, lowHalf } from '../../../../protocol/flow/flow-file/words.js';

describe('words', () => {
  const word = fc.maxSafeNat();

  it('words keep every integer up to 2^53 as little-endian 64-bit halves', () => {
    fc.assert(
      fc.property(word, fc.boolean(), (value, plain) => {
        const bytes = Buffer.alloc(24);
        const words = new Words(bytes);
        if (plain) words.setPlain64(8, value);
        else words.store64(8, value);
        expect(bytes.readBigUInt64LE(8)).to.equal(BigInt(value));
        expect([words.load64(8), words.plain64(8)]).to.deep.equal([value, value]);
        expect([words.load64(0), words.load64(16)]).to.deep.equal([0, 0]);
      }),
    );
  });

  it('loading without a fence and comparing halves recognise the value of a completed word', () => {
    fc.assert(
      fc.property(word, word, (value, other) => {
        const words = new Words(Buffer.alloc(24));
        words.complete64(8, value);
        expect([words.load64(8), words.peek64(8)]).to.deep.equal([value, value]);
        expect(holds(words, value)).to.equal(true);
        expect(holds(words, other)).to.equal(other === value);
        words.clear64(8);
        expect([words.load64(0), words.load64(8), words.load64(16)]).to.deep.equal([0, 0, 0]);
        expect(holds(words, value)).to.equal(value === 0);
      }),
    );
  });

  it('an exchange replaces the word that it was told, and no other', () => {
    fc.assert(
      fc.property(word, word, (value, other) => {
        const words = new Words(new Uint8Array(new ArrayBuffer(32), 8));
        words.store64(8, value);
        expect(words.exchange64(8, value + 1, other)).to.equal(false);
        expect(words.load64(8)).to.equal(value);
        expect(words.exchange64(8, value, other)).to.equal(true);
        expect([words.load64(0), words.load64(8), words.load64(16)]).to.deep.equal([0, other, 0]);
      }),
    );
  });

  it('a growing count is never loaded too large, whichever half was stored last', () => {
    for (const before of [2 ** 32 - 1, 2 ** 40 - 1, 7]) {
      const bytes = Buffer.alloc(8);
      const words = new Words(bytes);
      words.store64(0, before);
      // The low half of before + 1 is stored, the high one not yet.
      bytes.writeUInt32LE((before + 1) % 2 ** 32, 0);
      expect(words.load64(0)).to.be.at.most(before + 1);
      words.store64(0, before + 1);
      expect(words.load64(0)).to.equal(before + 1);
    }
  });

  it('words are views of their bytes, and 32-bit words wrap around', () => {
    const bytes = Buffer.alloc(8);
    const words = new Words(bytes);
    words.store32(4, 0xffff_ffff);
    expect([words.load32(4), words.plain32(4), bytes.readUInt32LE(4)]).to.deep.equal([
      0xffff_ffff, 0xffff_ffff, 0xffff_ffff,
    ]);
    words.setPlain32(4, 5);
    expect(words.load32(4)).to.equal(5);
  });
});

function holds(words: Words, value: number): boolean {
  return words.holdsHalves(8, lowHalf(value), highHalf(value));
}
