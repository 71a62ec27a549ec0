/** Runs every fuzz target with a fixed seed; `npm run fuzz` runs them with more inputs. */
import { expect } from 'chai';
import { fuzz } from './fuzzer.js';
import { TARGETS } from './targets/all.js';

const INPUTS = 1_500;

describe('fuzzing', () => {
  for (const target of TARGETS) {
    it(`${target.name}: every input is accepted or refused, and no other error occurs`, async () => {
      expect((await fuzz(target, INPUTS, 1)).inputs).to.equal(INPUTS);
    });
  }
});
