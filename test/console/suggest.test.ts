import { expect } from 'chai';
import { closest } from '../../console/suggest.js';

describe('what was probably meant', () => {
  const known = ['apps', 'clients', 'console', 'flows', 'host', 'spectra', 'start', 'stats', 'stop'];

  it('is the word with the fewest changes', () => {
    expect(closest('apss', known)).to.equal('apps');
    expect(closest('spctra', known)).to.equal('spectra');
    expect(closest('HOST', known)).to.equal('host');
    expect(closest('sttas', known)).to.equal('stats');
  });

  it('is the word that was only begun', () => {
    expect(closest('clie', known)).to.equal('clients');
  });

  it('is nothing when no word is near', () => {
    expect(closest('frobnicate', known)).to.equal(undefined);
    expect(closest('', known)).to.equal(undefined);
    expect(closest('x'.repeat(100_000), known)).to.equal(undefined);
  });
});
