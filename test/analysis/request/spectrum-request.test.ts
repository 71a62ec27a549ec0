import { expect } from 'chai';
import { fitOptionsOf, peakOptionsOf, rangeOf } from '../../../analysis/request/spectrum-request.js';

describe('words of fits and peak searches', () => {
  it('a range has a hyphen, a colon or two dots, and negative limits', () => {
    for (const [text, low, high] of [
      ['1310-1355', 1310, 1355],
      ['1310:1355.5', 1310, 1355.5],
      ['-5..5', -5, 5],
      ['-5--1', -5, -1],
      ['1e3-2e3', 1000, 2000],
    ] as const) {
      expect(rangeOf('range', text), text).to.deep.equal({ low, high });
    }
  });

  it('a parameter is fixed, bounded or started', () => {
    expect(fitOptionsOf({ range: '0-9', set: 'fwhm=3.1,centroid=4..5,tail=~0.1' }).parameters).to.deep.equal({
      fwhm: { value: 3.1, fixed: true },
      centroid: { min: 4, max: 5 },
      tail: { value: 0.1, fixed: false },
    });
  });

  it('all words of a fit and of a search reach their options', () => {
    const words = { range: '0-9', model: 'emg', background: '2', peaks: '2', at: '3, 5', widths: 'free' };
    expect(fitOptionsOf({ ...words, intervals: true })).to.deep.equal({
      range: { low: 0, high: 9 },
      model: 'emg',
      background: '2',
      peaks: 2,
      centroids: [3, 5],
      commonWidth: false,
      intervals: true,
    });
    expect(peakOptionsOf({ threshold: '4', fwhm: '2.5' })).to.deep.equal({ threshold: 4, fwhm: 2.5 });
  });

  it('a word that means nothing is refused with what is allowed', () => {
    for (const [words, text] of [
      [{ range: '9-0' }, 'LOW-HIGH'],
      [{ range: 'a-b' }, 'LOW-HIGH'],
      [{ range: '0-9', model: 'voigt' }, 'one of gauss, germanium, emg, none'],
      [{ range: '0-9', background: '4' }, 'one of none, 0, 1, 2, 3, exponential'],
      [{ range: '0-9', widths: 'equal' }, 'common or free'],
      [{ range: '0-9', at: '3,x' }, 'a number'],
      [{ range: '0-9', set: 'fwhm' }, '(fixed)'],
    ] as const) {
      expect(() => fitOptionsOf(words)).to.throw(text);
    }
  });
});
