/** Lowering a word that readers load at the same time: what they may see in between. */
import { expect } from 'chai';
import { Words } from '../../../../protocol/flow/flow-file/words.js';

describe('a word that is lowered', () => {
  const LOWERINGS = [
    [2 ** 32, 2 ** 32 - 1],
    [2 ** 40 + 5, 2 ** 32 + 7],
    [9, 3],
    [2 ** 33 + 1, 0],
  ] as const;

  it('lowering a word stores the value in this word and in no other', () => {
    for (const [before, after] of LOWERINGS) {
      const words = new Words(Buffer.alloc(24));
      words.store64(8, before);
      words.lower64(8, after);
      expect([words.load64(0), words.load64(8), words.load64(16)]).to.deep.equal([0, after, 0]);
    }
  });

  it('a reader never loads more than the old value while a word is lowered', () => {
    const store = Atomics.store;
    for (const [before, after] of LOWERINGS) {
      const words = new Words(Buffer.alloc(8));
      words.store64(0, before);
      const seen: number[] = [];
      Atomics.store = ((array: Uint32Array, index: number, value: number) => {
        const stored = store(array, index, value);
        seen.push(words.load64(0));
        return stored;
      }) as typeof Atomics.store;
      try {
        words.lower64(0, after);
      } finally {
        Atomics.store = store;
      }
      expect(seen.at(-1)).to.equal(after);
      for (const value of seen) expect(value).to.be.at.most(before);
    }
  });
});
