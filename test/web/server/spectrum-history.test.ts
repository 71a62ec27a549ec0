/** What came in during the last 1, 10 and 60 seconds, told by a clock that is passed in. */
import { expect } from 'chai';
import { SpectrumHistory } from '../../../web/server/spectrum-history.js';

describe('the history of a spectrum', () => {
  function after(seconds: number): SpectrumHistory {
    const history = new SpectrumHistory();
    for (let second = 0; second <= seconds; second += 1) {
      if (history.isDue(second * 1_000)) history.record(second * 1_000, true, () => Uint32Array.of(second));
    }
    return history;
  }

  it('tells the counts of a second, ten and a minute ago', () => {
    const history = after(200);
    for (const [window, tolerance] of [
      [1, 0],
      [10, 0],
      [60, 2.6],
    ] as const) {
      const moment = history.sampleBefore(window, 200_000);
      expect((200_000 - (moment?.atMs ?? 0)) / 1_000).to.be.closeTo(window, tolerance);
      expect(moment?.values[0]).to.equal((moment?.atMs ?? 0) / 1_000);
    }
  });

  it('gives the oldest it has while it is young, and nothing before the first look', () => {
    expect(after(5).sampleBefore(60, 5_000)?.atMs).to.equal(0);
    expect(new SpectrumHistory().sampleBefore(1, 0)).to.equal(undefined);
  });

  it('keeps few looks, and one copy of counts that did not change', () => {
    expect(after(1_000).bytes / 4).to.be.below(30);
    const still = new SpectrumHistory();
    for (let second = 0; second < 100; second += 1)
      still.record(second * 1_000, false, () => new Uint8Array(1_000));
    expect(still.bytes).to.equal(1_000);
  });

  it('forgets everything when the spectrum became another', () => {
    const history = after(20);
    history.clear();
    expect(history.sampleBefore(10, 20_000)).to.equal(undefined);
  });
});
