import { expect } from 'chai';
import { BACKGROUND_NAMES } from '../../../analysis/model/background.js';
import { Model, MODEL_NAMES, type ModelChoice } from '../../../analysis/model/model.js';

const CHANNELS = { counts: new Float64Array(60), low: 1_300, width: 0.5 };

const VALUES: Readonly<Record<string, number>> = {
  area: 1_000,
  centroid: 1_312,
  sigma: 1.4,
  area2: 700,
  centroid2: 1_320.3,
  sigma2: 1.9,
  tail: 0.3,
  tailLength: 2.1,
  step: 0.02,
  background0: 12,
  background1: 15,
  background2: 7,
  background3: 9,
  height: 20,
  slope: 0.03,
};

const choices: ModelChoice[] = MODEL_NAMES.flatMap((model) =>
  BACKGROUND_NAMES.map((background) => {
    return { model, background, peaks: model === 'none' ? 0 : 2, commonWidth: background === '1' };
  }),
);

describe('models of a spectrum', () => {
  it('the derivatives of every model are those of its counts', () => {
    for (const choice of choices) {
      const model = new Model(choice, CHANNELS);
      const values = Float64Array.from(model.names, (name) => VALUES[name] ?? Number.NaN);
      const [expected, above, below] = [0, 1, 2].map(() => new Float64Array(60)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const derivatives = model.names.map(() => new Float64Array(60));
      model.evaluate(values, expected, derivatives);
      model.names.forEach((name, index) => {
        const step = 1e-6 * values[index]!;
        const at = (value: number, into: Float64Array): void => {
          model.evaluate(
            Float64Array.from(values, (other, place) => (place === index ? value : other)),
            into,
          );
        };
        at(values[index]! + step, above);
        at(values[index]! - step, below);
        const largest = Math.max(...derivatives[index]!.map(Math.abs));
        for (let channel = 0; channel < 60; channel += 1) {
          const numeric = (above[channel]! - below[channel]!) / (2 * step);
          const difference = (numeric - derivatives[index]![channel]!) / largest;
          expect(difference, `${choice.model}, ${choice.background}: ${name}`).to.be.closeTo(0, 1e-5);
        }
      });
    }
  });

  it('the counts of a peak over all channels are its area, with a tail too', () => {
    for (const model of ['gauss', 'emg'] as const) {
      const choice = { model, peaks: 1, commonWidth: true, background: 'none' } as const;
      const peak = new Model(choice, CHANNELS);
      const values = Float64Array.from(peak.names, (name) =>
        name === 'centroid' ? 1_320 : (VALUES[name] ?? 0),
      );
      values[peak.indexOf('tailLength')] = 1;
      const expected = new Float64Array(60);
      peak.evaluate(values, expected);
      expect(expected.reduce((sum, counts) => sum + counts, 0)).to.be.closeTo(1_000, 0.01);
    }
  });

  it('a peak narrower than a channel keeps its area, since it is integrated over the channel', () => {
    const peak = new Model({ model: 'gauss', peaks: 1, commonWidth: true, background: 'none' }, CHANNELS);
    const expected = new Float64Array(60);
    peak.evaluate(Float64Array.of(500, 1_310.2, 0.02), expected);
    expect(expected[20]).to.be.closeTo(500, 1e-9);
  });

  it('the first and last parameter of a polynomial are the counts per channel at the ends of the range', () => {
    const line = new Model({ model: 'none', peaks: 0, commonWidth: true, background: '1' }, CHANNELS);
    const expected = new Float64Array(60);
    line.evaluate(Float64Array.of(10, 130), expected);
    expect(expected[0]).to.be.closeTo(11, 1e-9);
    expect(expected[59]).to.be.closeTo(129, 1e-9);
  });
});
