/** Tests net counts, centroid and FWHM of regions, and their errors, on random counts. Pure. */
import { expect } from 'chai';
import { channelsBetween, type Channels } from '../../../analysis/channels.js';
import { regionFigures } from '../../../analysis/region/region-figures.js';
import { gammaSpectrum } from '../../../simulator/shapes.js';
import { momentsOf, ToyCounts } from '../../kit/toy-counts.js';

const FWHM_PER_SIGMA = 2.3548200450309493;
const SIGMA = 3;

/** A Gauss at the middle of 60 channels on a sloping background. */
function expectedCounts(area: number): Float64Array {
  return Float64Array.from({ length: 60 }, (_, channel) => {
    const z = (channel + 0.5 - 30) / SIGMA;
    return (area * Math.exp(-0.5 * z * z)) / (SIGMA * Math.sqrt(2 * Math.PI)) + 20 + channel;
  });
}

describe('figures of a region', () => {
  it('net counts, centroid and FWHM by moments have the errors that they state', () => {
    const toys = new ToyCounts(11);
    const expected = expectedCounts(10_000);
    const pulls = { net: [] as number[], centroid: [] as number[], fwhm: [] as number[] };
    for (let toy = 0; toy < 1_000; toy += 1) {
      const { net, centroid, fwhm } = regionFigures({ counts: toys.around(expected), low: 0, width: 1 });
      pulls.net.push((net.value - 10_000) / net.error);
      pulls.centroid.push((centroid!.value - 30) / centroid!.error);
      pulls.fwhm.push((fwhm!.value - FWHM_PER_SIGMA * SIGMA) / fwhm!.error);
    }
    for (const [name, list] of Object.entries(pulls)) {
      const { mean, deviation } = momentsOf(list);
      expect(mean, name).to.be.closeTo(0, 0.12);
      expect(deviation, name).to.be.closeTo(1, 0.1);
    }
  });

  it('the net area of a line of the simulator is within 2 % and its FWHM within 3 %', () => {
    const weights = gammaSpectrum('Co-60', 4_096, 2_048);
    const scale = 2e7 / weights.reduce((sum, weight) => sum + weight, 0);
    const spectrum: Channels = {
      counts: new ToyCounts(5).around(weights.map((weight) => weight * scale)),
      low: 0,
      width: 0.5,
    };
    const { net, fwhm, gross } = regionFigures(channelsBetween(spectrum, { low: 1322, high: 1343 }));
    // Area of the line at 1332.5 keV by the efficiency curve of the simulator, and its FWHM in keV.
    expect(net.value / (scale * 100 * (200 / 1332.5) ** 0.8)).to.be.closeTo(1, 0.02);
    expect(fwhm!.value / 3.164).to.be.closeTo(1, 0.03);
    expect(gross.value).to.be.above(net.value);
  });

  it('a flat background has no centroid and no FWHM', () => {
    const counts = new ToyCounts(2).around(Array.from({ length: 60 }, () => 100));
    const figures = regionFigures({ counts, low: 0, width: 1 });
    expect(figures).to.have.all.keys('gross', 'background', 'net', 'edgeChannels');
    expect(Math.abs(figures.net.value)).to.be.below(4 * figures.net.error);
  });

  it('gross is background and net together', () => {
    const { gross, background, net } = regionFigures({ counts: expectedCounts(500), low: 0, width: 1 });
    expect(background.value + net.value).to.be.closeTo(gross.value, 1e-9);
  });

  it('a region of three channels has counts and no background', () => {
    expect(regionFigures({ counts: [1, 2, 3], low: 0, width: 1 })).to.deep.include({
      gross: { value: 6, error: Math.sqrt(6) },
      net: { value: 6, error: Math.sqrt(6) },
    });
  });
});
