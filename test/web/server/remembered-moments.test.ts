/** Counts that the web server remembers for its pages. Pure. */
import { expect } from 'chai';
import { RememberedMoments } from '../../../web/server/remembered-moments.js';

describe('remembered moments', () => {
  it('a remembered moment keeps its counts while those of the spectrum change', () => {
    const moments = new RememberedMoments();
    const counts = Uint32Array.of(1, 2);
    expect(moments.remember('a', 5, counts)).to.equal(true);
    counts[0] = 9;
    expect(moments.remember('a', 5, counts)).to.equal(true);
    expect([...moments.find('a', 5)!]).to.deep.equal([1, 2]);
    expect(moments.find('a', 6)).to.equal(undefined);
    expect(moments.find('b', 5)).to.equal(undefined);
  });

  it('the fifth moment of a spectrum replaces its oldest', () => {
    const moments = new RememberedMoments();
    moments.remember('other', 1, Uint8Array.of(1));
    for (let atMs = 1; atMs <= 5; atMs += 1) moments.remember('a', atMs, Uint8Array.of(atMs));
    expect(moments.find('a', 1)).to.equal(undefined);
    expect(moments.find('a', 2)).not.to.equal(undefined);
    expect(moments.find('other', 1)).not.to.equal(undefined);
  });

  it('all moments together stay within the bytes, and counts above them are refused', () => {
    const moments = new RememberedMoments(10);
    expect(moments.remember('a', 1, new Uint8Array(11))).to.equal(false);
    moments.remember('a', 1, new Uint8Array(6));
    moments.remember('b', 2, new Uint8Array(6));
    expect(moments.find('a', 1)).to.equal(undefined);
    expect(moments.find('b', 2)).to.have.length(6);
  });
});
