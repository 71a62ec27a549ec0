/** The run of SpecTcl from its variables. Pure. */
import { expect } from 'chai';
import { runInfo, runText } from '../../../web/view/run-info.js';

const VARIABLES = { RunNumber: '12', RunTitle: 'test beam', RunState: 'Active', BuffersAnalyzed: '1000' };

describe('the run of SpecTcl', () => {
  it('the run of SpecTcl has number, title, state and the buffers analysed per second between two readings', () => {
    const first = runInfo(VARIABLES, undefined, 0);
    expect(first.info).to.deep.equal({ number: '12', title: 'test beam', state: 'Active', analysed: 1_000 });
    const second = runInfo({ ...VARIABLES, BuffersAnalyzed: '1068' }, first.sample, 2_000);
    expect(second.info?.perSecond).to.equal(34);
    expect(runText(second.info!)).to.equal('Run 12 · Active · 34 buffers/s · test beam');
  });

  it('analysed buffers count from 0 again in a new run', () => {
    const { info } = runInfo({ ...VARIABLES, BuffersAnalyzed: '50' }, { atMs: 0, analysed: 1_000 }, 1_000);
    expect(info?.perSecond).to.equal(50);
  });

  it('a run omits what Rustogramer does not report, and there is no run without number and state', () => {
    const undefinedOnes = {
      RunNumber: '-undefined-',
      RunTitle: ' ',
      RunState: 'Halted',
      BuffersAnalyzed: 'x',
    };
    expect(runInfo(undefinedOnes, undefined, 0).info).to.deep.equal({ state: 'Halted' });
    expect(runText({ state: 'Halted' })).to.equal('Run · Halted');
    expect(runInfo({ RunTitle: 'a' }, undefined, 0)).to.deep.equal({ info: undefined, sample: undefined });
  });
});
