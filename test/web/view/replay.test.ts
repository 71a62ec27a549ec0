/** The position of a replay, from the variables of its SpecTcl. */
import { expect } from 'chai';
import { replayOf } from '../../../web/view/replay.js';

const VARIABLES = {
  DisplayMegabytes: '8',
  ReplayState: 'paused',
  ReplayTime: '2027-03-01T12:00:05.000Z',
  ReplayFrom: '2027-03-01T12:00:00.000Z',
  ReplayTo: '2027-03-01T13:00:00.000Z',
  ReplaySpeed: '60',
};

describe('the position of a replay', () => {
  it('the position of a replay is in the variables that the player adds', () => {
    const fromMs = Date.UTC(2027, 2, 1, 12);
    const replay = { state: 'paused', atMs: fromMs + 5_000, fromMs, toMs: fromMs + 3_600_000, speed: 60 };
    expect(replayOf(VARIABLES)).to.deep.equal(replay);
    expect(replayOf({ ...VARIABLES, ReplaySpeed: '0' })?.speed).to.equal(0);
  });

  it('a SpecTcl without these variables, or with other values, is no replay', () => {
    expect(replayOf({ DisplayMegabytes: '8' })).to.equal(undefined);
    for (const name of ['ReplayState', 'ReplayTime', 'ReplayFrom', 'ReplayTo', 'ReplaySpeed'])
      expect(replayOf({ ...VARIABLES, [name]: 'x' }), name).to.equal(undefined);
  });
});
