/** Trends as a table for a plot: gaps, lines and the vertical axis; texts of trends and alarms. */
import { expect } from 'chai';
import { conditionText, sourceText, stateText, valueText } from '../../../web/view/alarm-text.js';
import { linesOf, tickText, timeText, trendColumns, verticalRange } from '../../../web/view/trend-table.js';
import type { AlarmRule } from '../../../web/wire/trends.js';

describe('trends as a plot has them', () => {
  it('a time without values is a gap, also where it is only three points long', () => {
    const timesMs = [0, 10, 20, 100, 110].map((second) => second * 1_000);
    const values = [1, 2, 3, 4, 5];
    const { times, mean, low } = trendColumns({ timesMs, mean: values, low: values, high: values });
    expect(mean).to.deep.equal([1, 2, 3, null, 4, 5]);
    expect(low[3]).to.equal(null);
    expect(times[3]).to.be.within(20, 100);
  });

  it('seconds that a slow source left out are no gap', () => {
    const timesMs = [0, 1, 2, 8, 9].map((second) => second * 1_000);
    const { mean } = trendColumns({ timesMs, mean: [1, 1, 1, 1, 1], low: [], high: [] });
    expect(mean).to.deep.equal([1, 1, 1, 1, 1]);
  });

  it('thresholds and the limits of its own alarms are lines', () => {
    const rule = (condition: AlarmRule['condition']): AlarmRule => ({
      condition,
      raiseAfterS: 0,
      clearAfterS: 0,
    });
    const trend = { source: { kind: 'spectrum', spectrum: 'a' }, thresholds: [7] } as const;
    const lines = linesOf('t', trend, [
      rule({ kind: 'above', trend: 't', limit: 1, hysteresis: 0 }),
      rule({ kind: 'outside', trend: 't', low: 2, high: 3, hysteresis: 0 }),
      rule({ kind: 'moved', trend: 't', reference: 4, deviations: 3 }),
      rule({ kind: 'above', trend: 'other', limit: 9, hysteresis: 0 }),
      rule({ kind: 'unchanged', trend: 't' }),
      rule({ kind: 'stale' }),
    ]);
    expect(lines).to.deep.equal({ thresholds: [7], limits: [1, 2, 3, 4] });
  });

  it('the axis has all values, zero for rates, and lines that do not flatten the values', () => {
    expect(verticalRange([5, 10], [], true)[0]).to.equal(0);
    expect(verticalRange([1_332.4, 1_332.6], [], false)[0]).to.be.above(1_332);
    expect(verticalRange([5, 10], [20], true)[1]).to.be.above(20);
    expect(verticalRange([5, 10], [1e9], true)[1]).to.be.below(20);
    expect(verticalRange([], [], true)).to.deep.equal([0, 1.06]);
    expect(verticalRange([], [50], true)[1]).to.be.above(50);
    const [low, high] = verticalRange([3, 3], [], false);
    expect(low).to.be.below(3);
    expect(high).to.be.above(3);
  });

  it('ticks are short, and times have a day, a minute or a second by their distance', () => {
    expect([0, 250, 0.1, 8e8, 150_000].map(tickText)).to.deep.equal(['0', '250', '0.1', '8e+8', '1.5e+5']);
    const noon = new Date(2027, 2, 1, 12, 30, 15).getTime() / 1_000;
    expect([86_400, 600, 10].map((step) => timeText(noon, step))).to.deep.equal([
      '01 Mar',
      '12:30',
      '12:30:15',
    ]);
  });

  it('texts say what is measured, what raises an alarm and what its state is', () => {
    expect(sourceText({ kind: 'spectrum', spectrum: 'tof', x: [10, 20] })).to.equal(
      'rate of tof, channels 10 to 19',
    );
    expect(conditionText({ kind: 'outside', trend: 'beam', low: 1, high: 2, hysteresis: 0 })).to.equal(
      'beam is outside 1 to 2',
    );
    const rule = { condition: { kind: 'stale' }, raiseAfterS: 0, clearAfterS: 0 } as const;
    expect(stateText({ rule, raised: true, sinceMs: 0, acknowledged: { by: 'Eva', atMs: 0 } })).to.equal(
      'acknowledged by Eva',
    );
    expect([undefined, 0, 12.3456, 12_345.6, 1.2346e7].map(valueText)).to.deep.equal([
      '–',
      '0',
      '12.35',
      '12346',
      '1.235e+7',
    ]);
  });
});
