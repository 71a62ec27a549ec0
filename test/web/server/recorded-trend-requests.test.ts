/** Requests of trends are checked where they enter. */
import { expect } from 'chai';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { trendRequest } from '../../../web/server/recorded-trend-requests.js';

const WORDS = { spectrum: 'tof', from: '1000', to: '2000' };

function requestOf(words: Readonly<Record<string, string>>) {
  return trendRequest(new Map(Object.entries({ ...WORDS, ...words })));
}

describe('the request of a trend', () => {
  it('the request of a trend has a spectrum, a time, and optionally a region and a number of points', () => {
    expect(requestOf({})).to.deep.equal({
      spectrum: 'tof',
      region: undefined,
      fromMs: 1_000,
      toMs: 2_000,
      points: 400,
    });
    expect(requestOf({ x: '3-7', y: '0-2', points: '10' })).to.deep.include({
      region: { x: [3, 7], y: [0, 2] },
      points: 10,
    });
  });

  it('the request of a trend is refused with the parameter that is wrong and what it must be', () => {
    const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{ spectrum: '' }, /spectrum is missing/],
      [{ from: '' }, /from is missing/],
      [{ from: '2000' }, /from and to are 2000 and 2000/],
      [{ to: '1e400' }, /whole milliseconds since 1970/],
      [{ points: '0' }, /points is 0; it must be a whole number from 1 to 2000/],
      [{ points: '2001' }, /points is 2001/],
      [{ x: '7-3' }, /x is "7-3"; it must be a range of stored channels such as 100-200/],
      [{ x: '-1-3' }, /x is "-1-3"/],
      [{ y: '1-2' }, /y is given without x/],
    ];
    for (const [words, message] of wrong) {
      expect(() => requestOf(words), JSON.stringify(words))
        .to.throw(MirrorflowError, message)
        .with.property('code', 'BAD_OPTION');
    }
  });
});
