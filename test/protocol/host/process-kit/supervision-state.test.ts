/** The table of the supervision states alone, with random events. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  SUPERVISION_TABLE,
  nextState,
  type SupervisionEvent,
  type SupervisionState,
} from '../../../../protocol/host/process-kit/supervision-state.js';

const STATES = Object.keys(SUPERVISION_TABLE) as SupervisionState[];
const EVENTS: SupervisionEvent[] = [
  'start',
  'expect',
  'ready',
  'adopt',
  'stop',
  'retry',
  'rest',
  'fail',
  'close',
];

function run(events: readonly SupervisionEvent[]): SupervisionState[] {
  const states: SupervisionState[] = ['idle'];
  for (const event of events) {
    const state = states.at(-1) as SupervisionState;
    states.push(nextState(state, event) ?? state);
  }
  return states;
}

describe('states of a supervised child', () => {
  it('no event leads out of closed', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS)), (events) => {
        const states = run(events);
        const closed = states.indexOf('closed');
        if (closed >= 0) expect(new Set(states.slice(closed))).to.deep.equal(new Set(['closed']));
      }),
    );
  });

  it('a child runs only after it has reported ready or was adopted', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS)), (events) => {
        const states = run(events);
        for (const [at, event] of events.entries()) {
          if (states[at] === 'running' || states[at + 1] !== 'running') continue;
          expect(event).to.be.oneOf(['ready', 'adopt']);
        }
      }),
    );
  });

  it('a child is not started while it runs, nor restarted while it is being stopped', () => {
    expect(nextState('running', 'start')).to.equal(undefined);
    expect(nextState('stopping', 'retry')).to.equal(undefined);
    expect(nextState('stopping', 'adopt')).to.equal(undefined);
  });

  it('every state but closed closes, and every state but idle and closed can be stopped', () => {
    for (const state of STATES) {
      if (state === 'closed') continue;
      expect(nextState(state, 'close'), state).to.equal('closed');
      if (state !== 'stopping') expect(nextState(state, 'stop'), state).to.equal('stopping');
    }
  });

  it('a child starts again from every state that is left by an end', () => {
    for (const state of ['idle', 'delayed', 'failed', 'stopping', 'expecting'] as const) {
      expect(nextState(state, 'start'), state).to.equal('starting');
    }
  });
});
