/** The state machine of an alarm: minimum times, hysteresis, acknowledgement; nothing flaps. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { verdictOf } from '../../../../web/server/alarms/alarm-condition.js';
import { AlarmState, type Verdict } from '../../../../web/server/alarms/alarm-state.js';

const VERDICTS: readonly Verdict[] = ['bad', 'good', 'between', 'unknown'];
const times = fc.record({
  raiseAfterS: fc.integer({ min: 0, max: 20 }),
  clearAfterS: fc.integer({ min: 0, max: 20 }),
});
const steps = fc.array(
  fc.record({ verdict: fc.constantFrom(...VERDICTS), stepMs: fc.integer({ min: 1, max: 5_000 }) }),
  { maxLength: 200 },
);

describe('the state of an alarm', () => {
  it('an alarm is raised after its time, stays within the hysteresis, and is cleared after its time', () => {
    const state = new AlarmState({ raiseAfterS: 2, clearAfterS: 3 }, 0);
    expect(state.judge('bad', 1_000)).to.equal(undefined);
    expect(state.judge('bad', 2_999)).to.equal(undefined);
    expect(state.judge('bad', 3_000)).to.equal('raised');
    expect(state.judge('between', 9_000)).to.equal(undefined);
    expect(state.judge('good', 10_000)).to.equal(undefined);
    expect(state.judge('bad', 12_000)).to.equal(undefined);
    expect(state.judge('good', 13_000)).to.equal(undefined);
    expect(state.judge('good', 16_000)).to.equal('cleared');
    expect(state.status).to.deep.equal({ raised: false, sinceMs: 16_000 });
  });

  it('an alarm changes only after the verdict asked for it all the time, for at least the set time', () => {
    fc.assert(
      fc.property(times, steps, (limits, sequence) => {
        const state = new AlarmState(limits, 0);
        let nowMs = 0;
        let changedMs = 0;
        /** Since when each verdict has stood without any other. */
        let stands: { verdict: Verdict; sinceMs: number } = { verdict: 'unknown', sinceMs: 0 };
        for (const { verdict, stepMs } of sequence) {
          nowMs += stepMs;
          if (stands.verdict !== verdict) stands = { verdict, sinceMs: nowMs };
          const change = state.judge(verdict, nowMs);
          if (change === undefined) continue;
          expect(verdict).to.equal(change === 'raised' ? 'bad' : 'good');
          const waitMs = (change === 'raised' ? limits.raiseAfterS : limits.clearAfterS) * 1_000;
          expect(nowMs - stands.sinceMs).to.be.at.least(waitMs);
          expect(nowMs - changedMs, 'no flapping').to.be.at.least(waitMs);
          changedMs = nowMs;
        }
      }),
    );
  });

  it('a value that stays within the hysteresis changes nothing, whatever the times are', () => {
    fc.assert(
      fc.property(times, fc.array(fc.double({ min: 90.001, max: 100, noNaN: true })), (limits, values) => {
        const condition = { kind: 'above', trend: 't', limit: 100, hysteresis: 10 } as const;
        for (const raised of [true, false]) {
          const state = new AlarmState(limits, 0, { raised, sinceMs: 0 });
          values.forEach((value, index) => {
            const observation = {
              state: 'live' as const,
              runActive: undefined,
              measured: () => ({ value, changed: true }),
            };
            expect(state.judge(verdictOf(condition, observation), index * 60_000)).to.equal(undefined);
          });
        }
      }),
    );
  });

  it('a raised alarm is acknowledged by name until it is cleared', () => {
    const state = new AlarmState({ raiseAfterS: 0, clearAfterS: 0 }, 0);
    expect(state.acknowledge({ by: 'Eva', atMs: 1 })).to.equal(false);
    state.judge('bad', 5);
    expect(state.acknowledge({ by: 'Eva', atMs: 6 })).to.equal(true);
    expect(state.status).to.deep.equal({ raised: true, sinceMs: 5, acknowledged: { by: 'Eva', atMs: 6 } });
    state.judge('good', 7);
    expect(state.status.acknowledged).to.equal(undefined);
  });

  it('a clock that was set back starts the time again', () => {
    const state = new AlarmState({ raiseAfterS: 10, clearAfterS: 0 }, 0);
    state.judge('bad', 100_000);
    expect(state.judge('bad', 50_000)).to.equal(undefined);
    expect(state.judge('bad', 59_999)).to.equal(undefined);
    expect(state.judge('bad', 60_000)).to.equal('raised');
  });
});
