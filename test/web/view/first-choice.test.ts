/** What a page shows before its user has chosen. */
import { expect } from 'chai';
import { firstApplication, runningInsteadOf, suggestedSpectra } from '../../../web/view/first-choice.js';
import type { SpectrumInfo } from '../../../web/wire/spectrum-info.js';

const application = (name: string, state: string) => ({ name, state, restarts: 0 });
const spectrum = (name: string, dimensions: 1 | 2, xchans: number, ychans = 1) =>
  ({ name, dimensions, xchans, ychans }) as SpectrumInfo;

describe('the first choice of a page', () => {
  it('the first running application is shown, or else the first', () => {
    const [stopped, running] = [application('a', 'stopped'), application('b', 'running')];
    expect(firstApplication([stopped, running])).to.equal('b');
    expect(firstApplication([stopped])).to.equal('a');
    expect(firstApplication([])).to.equal(undefined);
  });

  it('an application of the last time that has ended is replaced by one that runs', () => {
    const [ended, running] = [application('a', 'failed'), application('b', 'running')];
    expect(runningInsteadOf('a', [ended, running])).to.equal('b');
    expect(runningInsteadOf('gone', [ended, running])).to.equal('b');
    expect(runningInsteadOf('b', [ended, running])).to.equal(undefined);
    expect(runningInsteadOf('a', [ended])).to.equal(undefined);
  });

  it('the two largest spectra of each dimension are suggested, in the order of the list', () => {
    const spectra = [
      spectrum('small', 1, 10),
      spectrum('map', 2, 100, 100),
      spectrum('large', 1, 1_000),
      spectrum('long', 2, 5_000, 2),
      spectrum('medium', 1, 100),
      spectrum('tiny map', 2, 4, 4),
    ];
    expect(suggestedSpectra(spectra)).to.deep.equal(['map', 'large', 'long', 'medium']);
    expect(suggestedSpectra([])).to.deep.equal([]);
  });
});
