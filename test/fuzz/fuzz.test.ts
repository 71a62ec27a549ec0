import { expect } from 'chai';
import { fuzz } from './fuzzer.js';
import { TARGETS } from './targets/all.js';

const INPUTS = 1_500;

describe('garbage', () => {
  for (const target of TARGETS) {
    it(`is refused or understood, and nothing else happens: ${target.name}`, async () => {
      expect((await fuzz(target, INPUTS, 1)).inputs).to.equal(INPUTS);
    });
  }
});
