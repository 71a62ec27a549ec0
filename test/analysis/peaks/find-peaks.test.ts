import { expect } from 'chai';
import { findPeaks } from '../../../analysis/peaks/find-peaks.js';
import { measurePeaks } from '../../../analysis/peaks/measure-peaks.js';
import { gammaSpectrum, SOURCES, type SourceName } from '../../../simulator/shapes.js';
import { ToyCounts } from '../../kit/toy-counts.js';

function simulated(source: SourceName, bins: number, maxKev: number, total: number) {
  const weights = gammaSpectrum(source, bins, maxKev);
  const scale = total / weights.reduce((sum, weight) => sum + weight, 0);
  const counts = new ToyCounts(8).around(weights.map((weight) => weight * scale));
  return { counts, low: 0, width: maxKev / bins };
}

const gaussAt = (channel: number, centroid: number, sigma: number, area: number): number =>
  (area * Math.exp(-0.5 * ((channel + 0.5 - centroid) / sigma) ** 2)) / (sigma * Math.sqrt(2 * Math.PI));

describe('the peak search', () => {
  it('every line of the sources of the simulator is found, and few places beside them', () => {
    for (const [source, bins, maxKev] of [
      ['Co-60', 4_096, 2_048],
      ['Eu-152', 8_192, 2_048],
      ['Cs-137', 4_096, 1_024],
      ['Th-228', 8_192, 4_096],
    ] as const) {
      const found = findPeaks(simulated(source, bins, maxKev, 2e6)).map(({ centroid }) => centroid);
      // 241.0 keV of Th-228 is a weak shoulder of 238.6.
      const lines = SOURCES[source].map(([energy]) => energy).filter((energy) => energy !== 241);
      for (const energy of lines) {
        expect(
          found.some((centroid) => Math.abs(centroid - energy) < 1),
          `${source} ${energy} among ${found.map((centroid) => centroid.toFixed(1)).join(' ')}`,
        ).to.be.true;
      }
      expect(found.length - lines.length).to.be.at.most(1);
    }
  });

  it('a flat spectrum has no peak in 200,000 channels', () => {
    for (let seed = 0; seed < 25; seed += 1) {
      const counts = new ToyCounts(seed).around(Array.from({ length: 8_192 }, () => 20));
      expect(findPeaks({ counts, low: 0, width: 1 })).to.deep.equal([]);
    }
  });

  it('a doublet at one FWHM is two peaks, and a single peak is one', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const toys = new ToyCounts(seed);
      const doublet = toys.around(
        Array.from({ length: 300 }, (_, i) => 5 + gaussAt(i, 150, 3, 1e5) + gaussAt(i, 157.06, 3, 1e5)),
      );
      const marks = findPeaks({ counts: doublet, low: 0, width: 1 });
      expect(marks).to.have.length(2);
      expect(marks[0]!.centroid).to.be.closeTo(150, 1);
      expect(marks[1]!.centroid).to.be.closeTo(157.06, 1);
      const single = toys.around(Array.from({ length: 300 }, (_, i) => 5 + gaussAt(i, 150, 12, 1e5)));
      expect(findPeaks({ counts: single, low: 0, width: 1 })).to.have.length(1);
    }
  });

  it('the table has energies, widths and areas of the peaks with errors', () => {
    const peaks = measurePeaks(simulated('Co-60', 4_096, 2_048, 2e6), { range: { low: 1_100, high: 1_400 } });
    expect(peaks).to.have.length(2);
    expect(peaks[1]!.centroid.value).to.be.closeTo(1332.5, 0.05);
    expect(peaks[1]!.fwhm.value).to.be.closeTo(3.164, 0.1);
    expect(peaks[1]!.area!.error! / Math.sqrt(peaks[1]!.area!.value)).to.be.closeTo(1, 0.1);
  });

  it('a peak at the end of the axis is measured within the axis', () => {
    const counts = new ToyCounts(4).around(
      Array.from({ length: 200 }, (_, i) => 3 + gaussAt(i, 185, 2, 5_000)),
    );
    expect(measurePeaks({ counts, low: 0, width: 1 })[0]!.centroid.value).to.be.closeTo(185, 0.3);
  });

  it('a threshold or width that it cannot use is refused', () => {
    const channels = { counts: new Float64Array(100), low: 0, width: 1 };
    expect(() => findPeaks(channels, { threshold: 1 })).to.throw('it takes 2 to 1000 standard deviations');
    expect(() => findPeaks(channels, { fwhm: 0 })).to.throw('it takes a width above 0');
  });
});
