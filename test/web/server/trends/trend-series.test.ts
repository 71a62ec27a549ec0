/** Values of a trend in bounded memory: levels, spans and thinning. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { thinned, TrendSeries } from '../../../../web/server/trends/trend-series.js';

const START_MS = Date.UTC(2027, 2, 1);

describe('a series of a trend', () => {
  it('a short span has seconds, a longer one the mean and the extremes of ten seconds', () => {
    const series = new TrendSeries();
    for (let second = 0; second < 1_200; second += 1) series.add(START_MS + second * 1_000, second % 10);
    const nowMs = START_MS + 1_199_000;
    const seconds = series.points(nowMs - 60_000, nowMs);
    expect(seconds.map(({ mean }) => mean)).to.deep.equal(
      Array.from({ length: 61 }, (_, index) => (index + 9) % 10),
    );
    const tens = series.points(nowMs - 1_190_000, nowMs);
    expect(tens.length).to.be.within(118, 120);
    for (const { mean, low, high } of tens) expect([mean, low, high]).to.deep.equal([4.5, 0, 9]);
  });

  it('after two days of values the memory has two days of minutes and nothing older', () => {
    const series = new TrendSeries();
    const minutes = 3 * 1_440;
    for (let minute = 0; minute < minutes; minute += 1) series.add(START_MS + minute * 60_000, minute);
    const points = series.points(0, START_MS + minutes * 60_000);
    expect(points.length).to.be.within(2_880, 2_881);
    expect(points[0]?.mean).to.be.within(minutes - 2_881, minutes - 2_880);
    expect(points.at(-1)?.mean).to.equal(minutes - 1);
  });

  it('times without values have no points, and a clock that was set back adds none', () => {
    const series = new TrendSeries();
    series.add(START_MS, 1);
    series.add(START_MS + 1_000, undefined);
    series.add(START_MS + 2_000, 3);
    series.add(START_MS - 60_000, 9);
    series.add(START_MS + 3_000, 4);
    expect(series.points(START_MS, START_MS + 10_000).map(({ mean }) => mean)).to.deep.equal([1, 3, 4]);
  });

  it('after a restart minutes of the file continue with the new seconds, in order of time', () => {
    const series = new TrendSeries();
    const minute = START_MS / 60_000;
    for (let index = 0; index < 30; index += 1)
      series.restore(minute + index, { mean: index, low: index, high: index });
    for (let second = 0; second < 90; second += 1) series.add(START_MS + 1_800_000 + second * 1_000, 100);
    const points = series.points(START_MS + 1_290_000, START_MS + 1_890_000);
    expect(points.filter(({ mean }) => mean < 100).length).to.be.within(6, 10);
    expect(points.filter(({ mean }) => mean === 100)).to.have.length(90);
    const times = points.map(({ atMs }) => atMs);
    expect(times).to.deep.equal([...times].sort((one, other) => one - other));
  });

  it('the ended minute is the mean and the extremes of its values, and empty without any', () => {
    const series = new TrendSeries();
    const minute = START_MS / 60_000;
    for (const [second, value] of [1, 2, 6].entries()) series.add(START_MS + second * 1_000, value);
    expect(series.endMinute(minute)).to.deep.equal({ mean: 3, low: 1, high: 6 });
    expect(series.endMinute(minute + 1).mean).to.be.NaN;
  });

  it('thinned points keep the extremes and are at most as many as asked for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 500 }),
        fc.integer({ min: 1, max: 100 }),
        (values, most) => {
          const points = values.map((value, index) => ({
            atMs: index,
            mean: value,
            low: value,
            high: value,
          }));
          const fewer = thinned(points, most);
          expect(fewer.length).to.be.at.most(most);
          expect(Math.min(...fewer.map(({ low }) => low))).to.equal(Math.min(...values));
          expect(Math.max(...fewer.map(({ high }) => high))).to.equal(Math.max(...values));
        },
      ),
    );
  });
});
