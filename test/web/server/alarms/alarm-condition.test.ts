/** When the condition of an alarm holds. Pure. */
import { expect } from 'chai';
import { verdictOf, type Measured, type Observation } from '../../../../web/server/alarms/alarm-condition.js';
import type { AlarmCondition } from '../../../../web/wire/trends.js';

describe('conditions of alarms', () => {
  const live = (measured?: Partial<Measured>): Observation => ({
    state: 'live',
    runActive: undefined,
    measured: () => (measured === undefined ? undefined : { value: 0, changed: true, ...measured }),
  });
  const verdicts = (condition: AlarmCondition, values: readonly number[]): string[] =>
    values.map((value) => verdictOf(condition, live({ value })));

  it('above, below and outside are bad beyond the limit and good when back by the hysteresis', () => {
    const above = { kind: 'above', trend: 't', limit: 10, hysteresis: 2 } as const;
    expect(verdicts(above, [10.1, 10, 8.1, 8])).to.deep.equal(['bad', 'between', 'between', 'good']);
    const below = { kind: 'below', trend: 't', limit: 10, hysteresis: 0 } as const;
    expect(verdicts(below, [9.9, 10])).to.deep.equal(['bad', 'good']);
    const outside = { kind: 'outside', trend: 't', low: 5, high: 10, hysteresis: 1 } as const;
    expect(verdicts(outside, [4, 5.5, 6, 9, 9.5, 11])).to.deep.equal([
      'bad',
      'between',
      'good',
      'good',
      'between',
      'bad',
    ]);
  });

  it('a trend without a value says nothing', () => {
    for (const kind of ['above', 'unchanged', 'moved'] as const) {
      const condition = { kind, trend: 't', limit: 1, hysteresis: 0, reference: 1, deviations: 3 };
      expect(verdictOf(condition, live())).to.equal('unknown');
    }
  });

  it('a peak has moved when it is further from the reference than its error allows', () => {
    const moved = { kind: 'moved', trend: 't', reference: 1_332, deviations: 3 } as const;
    const of = (value: number, error?: number) =>
      verdictOf(moved, live({ value, ...(error === undefined ? {} : { error }) }));
    expect(of(1_332.4, 0.1)).to.equal('bad');
    expect(of(1_332.2, 0.1)).to.equal('between');
    expect(of(1_332.1, 0.1)).to.equal('good');
    expect(of(1_332.4, 0.5), 'within the error').to.equal('good');
    expect(of(1_400), 'a rate has no error').to.equal('unknown');
  });

  it('a source that sends nothing is stale, one that is being connected says nothing', () => {
    const of = (state: Observation['state']) => verdictOf({ kind: 'stale' }, { ...live(), state });
    expect(
      ['live', 'stale', 'stopped', 'broken', 'connecting'].map((state) => of(state as never)),
    ).to.deep.equal(['good', 'bad', 'bad', 'bad', 'unknown']);
  });

  it('a run has ended when the source says that it is not active', () => {
    const of = (runActive: boolean | undefined) => verdictOf({ kind: 'run-ended' }, { ...live(), runActive });
    expect([of(true), of(false), of(undefined)]).to.deep.equal(['good', 'bad', 'unknown']);
  });

  it('a rate of zero does not change', () => {
    expect(verdictOf({ kind: 'unchanged', trend: 't' }, live({ changed: false }))).to.equal('bad');
    expect(verdictOf({ kind: 'unchanged', trend: 't' }, live({ changed: true }))).to.equal('good');
  });
});
