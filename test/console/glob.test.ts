import { expect } from 'chai';
import * as fc from 'fast-check';
import { globMatcher } from '../../console/glob.js';

const fits = (pattern: string, name: string): boolean => globMatcher(pattern)(name);

describe('patterns for names of spectra', () => {
  it('know any text, one character, and one of several', () => {
    expect(fits('ge.*', 'ge.00.Co-60')).to.equal(true);
    expect(fits('ge.*', 'age.00')).to.equal(false);
    expect(fits('*Co*', 'ge.00.Co-60')).to.equal(true);
    expect(fits('ge.0?', 'ge.01')).to.equal(true);
    expect(fits('ge.0?', 'ge.0')).to.equal(false);
    expect(fits('ge.[0-2]', 'ge.1')).to.equal(true);
    expect(fits('ge.[02]', 'ge.1')).to.equal(false);
    expect(fits('ge.[ab-]', 'ge.-')).to.equal(true);
  });

  it('take a character behind a backslash as it is', () => {
    expect(fits(String.raw`a\*`, 'a*')).to.equal(true);
    expect(fits(String.raw`a\*`, 'ab')).to.equal(false);
  });

  it('let the very name pass, brackets and all', () => {
    expect(fits('raw[00]', 'raw[00]')).to.equal(true);
    expect(fits('raw[', 'raw[')).to.equal(true);
  });

  it('answer every pattern for every name, and a star for all of them', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (pattern, name) => {
        expect(fits(pattern, name)).to.be.a('boolean');
        expect(fits('*', name)).to.equal(true);
        expect(fits(name, name)).to.equal(true);
      }),
    );
  });

  it('do not take forever for many stars', () => {
    expect(fits(`${'*a'.repeat(60)}b`, 'a'.repeat(127))).to.equal(false);
  });
});
