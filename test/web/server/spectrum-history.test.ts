/** The samples that the rates of the last 1, 10 and 60 seconds are taken from. */
import { expect } from 'chai';
import { SpectrumHistory } from '../../../web/server/spectrum-history.js';

describe('the history of a spectrum', () => {
  function historyOf(seconds: number): SpectrumHistory {
    const history = new SpectrumHistory();
    for (let second = 0; second <= seconds; second += 1) {
      if (history.isDue(second * 1_000))
        history.record(second * 1_000, second, true, () => Uint32Array.of(second));
    }
    return history;
  }

  it('a history has the counts of one second, ten seconds and a minute ago', () => {
    const history = historyOf(200);
    for (const [window, tolerance] of [
      [1, 0],
      [10, 0],
      [60, 2.6],
    ] as const) {
      const sample = history.sampleBefore(window, 200_000);
      expect((200_000 - (sample?.atMs ?? 0)) / 1_000).to.be.closeTo(window, tolerance);
      expect(sample?.values[0]).to.equal((sample?.atMs ?? 0) / 1_000);
    }
  });

  it('a short history returns its oldest sample, an empty one none', () => {
    expect(historyOf(5).sampleBefore(60, 5_000)?.atMs).to.equal(0);
    expect(new SpectrumHistory().sampleBefore(1, 0)).to.equal(undefined);
  });

  it('a history keeps fewer than 30 samples, and one copy of unchanged counts', () => {
    expect(historyOf(1_000).bytes / 4).to.be.below(30);
    const unchanged = new SpectrumHistory();
    for (let second = 0; second < 100; second += 1)
      unchanged.record(second * 1_000, second, false, () => new Uint8Array(1_000));
    expect(unchanged.bytes).to.equal(1_000);
  });

  it('a cleared history has no samples', () => {
    const history = historyOf(20);
    history.clear();
    expect(history.sampleBefore(10, 20_000)).to.equal(undefined);
  });
});
