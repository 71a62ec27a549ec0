/**
 * Pulls: how many standard deviations fitted values are away from the truth, over many toy spectra.
 * Their mean is 0 and their width 1: within 0.1 over 1,000 toys (`npm run long`), within 0.2 over
 * 250, both about three standard deviations of the mean. Seeds are fixed.
 */
import { expect } from 'chai';
import type { FitOptions } from '../../../analysis/fit/fit-options.js';
import { fitModel } from '../../../analysis/fit/fit-spectrum.js';
import { signedRoot } from '../../../analysis/fit/signed-root.js';
import { FWHM_PER_SIGMA } from '../../../analysis/fit/start-values.js';
import { Model } from '../../../analysis/model/model.js';
import { momentsOf, ToyCounts } from '../../kit/toy-counts.js';

const LONG = process.env['MIRRORFLOW_LONG_TESTS'] === '1';
const TOYS = LONG ? 1_000 : 250;
const TOLERANCE = LONG ? 0.1 : 0.2;
const CHANNELS = 100;
const FWHM = 8;
const SIGMA = FWHM / FWHM_PER_SIGMA;

interface Truth {
  readonly title: string;
  readonly centroids: readonly number[];
}

const FLAT: Truth = { title: 'one peak on a flat background', centroids: [50.3] };
const DOUBLET: Truth = { title: 'a doublet at one FWHM with a common width', centroids: [46.1, 46.1 + FWHM] };

describe('pulls of fits of toy spectra', function () {
  this.timeout(LONG ? 900_000 : 60_000);

  for (const truth of [FLAT, DOUBLET]) {
    for (const area of [1_000, 1_000_000]) {
      it(`centroid, width and area of ${truth.title} of ${area} counts have the errors of the covariance`, () => {
        const pulls = pullsOf(truth, area, 20_260, ({ minimum, errors }, index, value) => {
          return (minimum.values[index]! - value) / errors[index]!;
        });
        expectStandard(pulls);
      });
    }

    it(`centroid, width and area of ${truth.title} of 50 counts have the errors of the likelihood`, () => {
      expectStandard(pullsOf(truth, 50, 20_261, signedRoot));
    });
  }

  it('values off by 0.4 standard deviations, and errors wrong by 40 %, are found in either direction', () => {
    const pulls = pullsOf(FLAT, 1_000, 20_260, ({ minimum, errors }, index, value) => {
      return (minimum.values[index]! - value) / errors[index]!;
    });
    for (const [bias, scale] of [
      [0.4, 1],
      [-0.4, 1],
      [0, 1.4],
      [0, 0.6],
    ] as const) {
      expect(() => expectStandard(distorted(pulls, bias, scale))).to.throw(/pulls? of/);
    }
  });

  it('the errors of the covariance are too small for the width of 50 counts, which is why those of the likelihood exist', () => {
    const pulls = pullsOf(FLAT, 50, 20_261, ({ minimum, errors }, index, value) => {
      return (minimum.values[index]! - value) / errors[index]!;
    });
    expect(momentsOf(pulls.get('sigma') ?? []).mean).to.be.below(-TOLERANCE);
  });
});

/**
 * Of values off by `bias` standard deviations, with errors that are `scale` times too small.
 */
function distorted(pulls: ReadonlyMap<string, readonly number[]>, bias: number, scale: number) {
  return new Map([...pulls].map(([name, list]) => [name, list.map((pull) => scale * pull + bias)]));
}

function pullsOf(
  { centroids }: Truth,
  area: number,
  seed: number,
  pull: (fitted: ReturnType<typeof fitModel>, index: number, value: number) => number,
): Map<string, number[]> {
  const channels = { counts: new Float64Array(CHANNELS), low: 0, width: 1 };
  const peaks = centroids.length;
  const model = new Model({ model: 'gauss', peaks, commonWidth: true, background: '0' }, channels);
  const values = new Float64Array(model.names.length);
  const set = (name: string, value: number): void => {
    values[model.indexOf(name)] = value;
  };
  centroids.forEach((centroid, index) => {
    const suffix = index === 0 ? '' : String(index + 1);
    set(`area${suffix}`, area);
    set(`centroid${suffix}`, centroid);
  });
  set('sigma', SIGMA);
  set('background0', area / 500);
  const expected = new Float64Array(CHANNELS);
  model.evaluate(values, expected);
  const toys = new ToyCounts(seed);
  const options: FitOptions = {
    range: { low: 0, high: CHANNELS },
    background: '0',
    // As a click places them: near the peaks.
    centroids: centroids.map((centroid) => Math.round(centroid)),
  };
  const pulls = new Map<string, number[]>();
  for (let toy = 0; toy < TOYS; toy += 1) {
    const fitted = fitModel({ ...channels, counts: toys.around(expected) }, options);
    model.names.forEach((name, index) => {
      if (name.startsWith('background')) return;
      const list = pulls.get(name) ?? [];
      pulls.set(name, list);
      list.push(pull(fitted, index, values[index]!));
    });
  }
  return pulls;
}

function expectStandard(pulls: ReadonlyMap<string, readonly number[]>): void {
  for (const [name, list] of pulls) {
    const { mean, deviation } = momentsOf(list);
    expect(mean, `mean pull of ${name}`).to.be.closeTo(0, TOLERANCE);
    expect(deviation, `width of the pulls of ${name}`).to.be.closeTo(1, TOLERANCE);
  }
}
