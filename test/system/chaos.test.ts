/** A short run of the chaos program, which kills and floods processes at random. */
import { expect } from 'chai';
import { runChaos } from '../chaos/run.js';

const FAULTS = 15;

describe('chaos', function () {
  it('a system under random faults loses, tears and doubles no buffer and leaves nothing behind', async function () {
    this.timeout(600_000);
    const { faults, lost, torn, doubled, leftoverNames, notRecovered, problems } = await runChaos({
      faults: FAULTS,
      seed: 7,
      seconds: 60,
    });
    expect(faults).to.be.at.least(1);
    expect({ lost, torn, doubled, leftoverNames, notRecovered, problems }).to.deep.equal({
      lost: 0,
      torn: 0,
      doubled: 0,
      leftoverNames: [],
      notRecovered: 0,
      problems: [],
    });
  });
});
