/** Suggestions for unknown commands and names. Pure. */
import { expect } from 'chai';
import { closest } from '../../console/suggest.js';

describe('suggestions for unknown words', () => {
  const known = ['apps', 'clients', 'console', 'flows', 'host', 'spectra', 'start', 'stats', 'stop'];

  it('the suggestion is the word with the fewest changes', () => {
    expect(closest('apss', known)).to.equal('apps');
    expect(closest('spctra', known)).to.equal('spectra');
    expect(closest('HOST', known)).to.equal('host');
    expect(closest('sttas', known)).to.equal('stats');
  });

  it('the suggestion for a beginning is the word that it begins', () => {
    expect(closest('clie', known)).to.equal('clients');
  });

  it('there is no suggestion when no word is close', () => {
    expect(closest('frobnicate', known)).to.equal(undefined);
    expect(closest('', known)).to.equal(undefined);
    expect(closest('x'.repeat(100_000), known)).to.equal(undefined);
  });
});
