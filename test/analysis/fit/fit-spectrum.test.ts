import { expect } from 'chai';
import type { Channels } from '../../../analysis/channels.js';
import { fitSpectrum, fitWithCurves } from '../../../analysis/fit/fit-spectrum.js';
import { devianceMoments } from '../../../analysis/fit/goodness.js';
import { Model } from '../../../analysis/model/model.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { gammaSpectrum, type SourceName } from '../../../simulator/shapes.js';
import { momentsOf, ToyCounts } from '../../kit/toy-counts.js';

const FWHM_PER_SIGMA = 2.3548200450309493;

/** A spectrum of the simulator with this number of counts, and the counts of its lines. */
function simulated(source: SourceName, bins: number, maxKev: number, total: number, seed = 1) {
  const weights = gammaSpectrum(source, bins, maxKev);
  const scale = total / weights.reduce((sum, weight) => sum + weight, 0);
  const channels: Channels = {
    counts: new ToyCounts(seed).around(weights.map((weight) => weight * scale)),
    low: 0,
    width: maxKev / bins,
  };
  const area = (energy: number, percent: number): number =>
    scale * percent * Math.min(1, (200 / energy) ** 0.8);
  return { channels, area };
}

const trueFwhm = (energy: number): number => FWHM_PER_SIGMA * Math.sqrt(0.6 ** 2 + 0.0011 * energy);

function flat(mean: number, channels: number, seed: number): Channels {
  return {
    counts: new ToyCounts(seed).around(Array.from({ length: channels }, () => mean)),
    low: 0,
    width: 1,
  };
}

describe('fits of spectra', () => {
  it('FWHM is within 3 % and area within 2 % of the truth of the simulator', () => {
    const cobalt = simulated('Co-60', 4_096, 2_048, 2e7);
    const europium = simulated('Eu-152', 8_192, 2_048, 2e7);
    for (const [{ channels, area }, energy, percent, range] of [
      [cobalt, 1332.5, 100, { low: 1310, high: 1355 }],
      [europium, 121.8, 28.5, { low: 113, high: 131 }],
      [europium, 778.9, 12.9, { low: 765, high: 795 }],
    ] as const) {
      for (const model of ['gauss', 'germanium'] as const) {
        const [peak] = fitSpectrum(channels, { range, model }).peaks;
        expect(peak!.fwhm.value / trueFwhm(energy)).to.be.closeTo(1, 0.03);
        expect(peak!.area.value / area(energy, percent)).to.be.closeTo(1, 0.02);
        expect(Math.abs(peak!.centroid.value - energy)).to.be.below(0.05 + 4 * peak!.centroid.error!);
      }
    }
  });

  it('two peaks are found without a place, with common and with free width', () => {
    const { channels, area } = simulated('Th-228', 8_192, 4_096, 2e7);
    for (const commonWidth of [true, false]) {
      const { peaks } = fitSpectrum(channels, { range: { low: 230, high: 250 }, peaks: 2, commonWidth });
      expect(peaks[0]!.centroid.value).to.be.closeTo(238.6, 0.05);
      expect(peaks[1]!.centroid.value).to.be.closeTo(241, 0.05);
      expect(peaks[0]!.area.value / area(238.6, 43.6)).to.be.closeTo(1, 0.02);
      expect(peaks[1]!.area.value / area(241, 4.1)).to.be.closeTo(1, 0.05);
    }
  });

  it('the tail and the step of a germanium peak are found', () => {
    const truth = { area: 1e6, centroid: 50, sigma: 2, tail: 0.2, tailLength: 4, step: 0.01 };
    const channels = modelled('germanium', { ...truth, background0: 100, background1: 100 });
    const { parameters, converged } = fitSpectrum(channels, {
      range: { low: 0, high: 100 },
      model: 'germanium',
    });
    expect(converged).to.be.true;
    for (const [name, value] of Object.entries(truth)) {
      const { value: found, error } = parameters[name]!;
      expect(Math.abs(found - value) / error!, name).to.be.below(4);
    }
    expect(parameters['fwhm']!.value).to.be.above(FWHM_PER_SIGMA * 2);
    expect(parameters['fwhm']!.state).to.equal('derived');
  });

  it('an exponentially modified Gauss fits an alpha line', () => {
    const truth = { area: 1e5, centroid: 70, sigma: 2, tailLength: 6 };
    const channels = modelled('emg', { ...truth, background0: 5 }, '0');
    const { parameters } = fitSpectrum(channels, {
      range: { low: 0, high: 100 },
      model: 'emg',
      background: '0',
    });
    for (const [name, value] of Object.entries(truth)) {
      const { value: found, error } = parameters[name]!;
      expect(Math.abs(found - value) / error!, name).to.be.below(4);
    }
  });

  it('an exponential and a polynomial are fitted alone', () => {
    const counts = new ToyCounts(3).around(
      Array.from({ length: 200 }, (_, i) => 500 * Math.exp(-0.02 * (i + 0.5))),
    );
    const channels = { counts, low: 0, width: 1 };
    const range = { low: 0, high: 200 };
    const exponential = fitSpectrum(channels, { range, model: 'none', background: 'exponential' });
    expect(exponential.parameters['slope']!.value).to.be.closeTo(0.02, 0.001);
    expect(exponential.parameters['height']!.value).to.be.closeTo(500, 20);
    expect(exponential.pValue).to.be.above(0.001);
    const line = fitSpectrum(channels, { range, model: 'none', background: '1' });
    expect(line.pValue).to.be.below(1e-6);
    expect(line.peaks).to.deep.equal([]);
  });

  it('a parameter is fixed, or kept within its limits, and says so', () => {
    const { channels } = simulated('Co-60', 4_096, 2_048, 1e6);
    const range = { low: 1310, high: 1355 };
    const { parameters, peaks, covariance } = fitSpectrum(channels, {
      range,
      parameters: { fwhm: { value: 3, fixed: true }, centroid: { min: 1333, max: 1340 } },
    });
    expect(peaks[0]!.fwhm).to.deep.equal({ value: 3, state: 'fixed' });
    expect(parameters['centroid']).to.deep.equal({ value: 1333, state: 'at limit' });
    expect(covariance.names).to.deep.equal(['area', 'background0', 'background1']);
  });

  it('p-values of true models are uniform, with few counts in a channel too', () => {
    for (const mean of [0.3, 3, 300]) {
      const values = Array.from({ length: 400 }, (_, seed) => {
        const options = { range: { low: 0, high: 100 }, model: 'none', background: '0' } as const;
        return fitSpectrum(flat(mean, 100, seed), options).pValue ?? Number.NaN;
      });
      // A uniform distribution: mean 1/2, standard deviation 1/√12.
      const { mean: middle, deviation } = momentsOf(values);
      expect(middle, `${mean} counts per channel`).to.be.closeTo(0.5, 0.06);
      expect(deviation, `${mean} counts per channel`).to.be.closeTo(1 / Math.sqrt(12), 0.04);
    }
  });

  it('the moments of the deviance change smoothly from sum to series', () => {
    const [sum, series] = [devianceMoments(40), devianceMoments(40.001)];
    expect(sum.mean).to.be.closeTo(series.mean, 1e-4);
    expect(sum.variance).to.be.closeTo(series.variance, 1e-3);
    expect(sum.withCount).to.be.closeTo(series.withCount, 1e-3);
  });

  it('a peak that is not significant gets an upper limit, which is above the truth in 95 % of spectra', () => {
    let above = 0;
    const spectra = 300;
    for (let seed = 0; seed < spectra; seed += 1) {
      const truth = { area: 10, centroid: 50, sigma: 3, background0: 10 };
      const channels = modelled('gauss', truth, '0', seed + 100);
      const { peaks } = fitSpectrum(channels, {
        range: { low: 0, high: 100 },
        background: '0',
        parameters: { centroid: { value: 50, fixed: true }, sigma: { value: 3, fixed: true } },
      });
      const { areaUpperLimit, significance } = peaks[0]!;
      expect(areaUpperLimit === undefined).to.equal(significance.deviations >= 3);
      if (areaUpperLimit === undefined || areaUpperLimit > truth.area) above += 1;
    }
    expect(above / spectra).to.be.within(0.91, 0.99);
  });

  it('the interval of the likelihood is asymmetric with few counts and that of the covariance with many', () => {
    const options = { range: { low: 0, high: 100 }, background: '0', intervals: true } as const;
    const few = fitSpectrum(
      modelled('gauss', { area: 30, centroid: 50, sigma: 3, background0: 0.2 }, '0'),
      options,
    );
    const area = few.parameters['area']!;
    expect(area.high! - area.value).to.be.above(area.value - area.low!);
    const many = fitSpectrum(
      modelled('gauss', { area: 1e5, centroid: 50, sigma: 3, background0: 50 }, '0'),
      options,
    );
    const { value, error, low, high } = many.parameters['area']!;
    expect((high! - value) / error!).to.be.closeTo(1, 0.02);
    expect((value - low!) / error!).to.be.closeTo(1, 0.02);
  });

  it('the curves are the fitted counts, and the residuals are in standard deviations', () => {
    const channels = modelled('gauss', { area: 1e4, centroid: 50, sigma: 3, background0: 50 }, '0');
    const { result, curves } = fitWithCurves(channels, { range: { low: 10, high: 90 }, background: '0' });
    expect(curves.expected.length).to.equal(80);
    expect(curves.low).to.equal(10);
    expect(curves.background[0]).to.be.closeTo(result.parameters['background0']!.value, 1e-9);
    const { mean, deviation } = momentsOf([...curves.residuals]);
    expect(mean).to.be.closeTo(0, 0.3);
    expect(deviation).to.be.closeTo(1, 0.3);
  });

  it('a fit of a range without counts ends, with no area', () => {
    const empty = { counts: new Float64Array(100), low: 0, width: 1 };
    const { peaks } = fitSpectrum(empty, { range: { low: 0, high: 100 } });
    expect(peaks[0]!.area.value).to.be.below(0.5);
    expect(peaks[0]!.areaUpperLimit).to.be.above(0);
  });

  it('what a fit cannot use is refused with the value and what it takes', () => {
    const channels = flat(10, 100, 1);
    const range = { low: 0, high: 100 };
    for (const [options, text] of [
      [{ range: { low: 200, high: 300 } }, 'the range 200 to 300 has no channel'],
      [{ range: { low: 0, high: 3 } }, 'more channels than'],
      [{ range, peaks: 13 }, 'a whole number from 1 to 12'],
      [{ range, centroids: [120] }, 'places from 0 to 100'],
      [{ range, parameters: { width: { value: 1 } } }, 'one of area, centroid, fwhm'],
      [{ range, parameters: { fwhm: { fixed: true } } }, 'a value at which it is fixed'],
      [{ range, model: 'none', background: 'none' }, 'a background where there is no peak'],
    ] as const) {
      expect(() => fitSpectrum(channels, options))
        .to.throw(text)
        .which.satisfies((error: unknown) => isMirrorflowError(error, 'BAD_OPTION'));
    }
  });
});

function modelled(
  name: 'gauss' | 'germanium' | 'emg',
  values: Readonly<Record<string, number>>,
  background: '0' | '1' = '1',
  seed = 7,
): Channels {
  const empty = { counts: new Float64Array(100), low: 0, width: 1 };
  const model = new Model({ model: name, peaks: 1, commonWidth: true, background }, empty);
  const expected = new Float64Array(100);
  model.evaluate(
    Float64Array.from(model.names, (parameter) => values[parameter] ?? 0),
    expected,
  );
  return { ...empty, counts: new ToyCounts(seed).around(expected) };
}
