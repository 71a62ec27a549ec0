/** The figures of regions as texts with units and uncertainties. */
import { expect } from 'chai';
import { limitTexts, rangeOfLimits, regionCells } from '../../../web/view/region-cells.js';
import type { Axis } from '../../../web/view/axis.js';

/** Half a keV per channel, with an underflow channel. */
const AXIS: Axis = { channels: 4_098, inRange: [1, 4_097], low: 0, high: 2_048, label: 'energy [keV]' };
const ANSWER = {
  x: [2_641, 2_691],
  statistics: { sum: 10_000, xmean: 2_666, xsigma: 3, ymean: 0.5, ysigma: 0 },
  figures: {
    gross: { value: 10_000, error: 100 },
    background: { value: 1_234, error: 40 },
    net: { value: 8_766, error: 108 },
    centroid: { value: 2_666, error: 0.05 },
    fwhm: { value: 6.33, error: 0.12 },
    edgeChannels: 7,
  },
  rate: { perSecond: 41.23, error: 2.1, spanS: 9.7 },
} as const;

describe('the cells of a region', () => {
  it('counts and places have their uncertainties, places and rates their units', () => {
    expect(regionCells(ANSWER, AXIS, undefined, { inChannels: false, calibration: undefined })).to.deep.equal(
      {
        gross: '10000 ± 100',
        background: '1234 ± 40',
        net: '8766 ± 108',
        centroid: '1332.500 ± 0.025 keV',
        fwhm: '3.165 ± 0.060 keV',
        rate: '41.2 ± 2.1 /s',
      },
    );
  });

  it('places are shown in channels in range, and calibrated beside', () => {
    const calibration = { coefficients: [10, 2], unit: 'MeV' };
    const cells = regionCells(ANSWER, AXIS, undefined, { inChannels: true, calibration });
    expect(cells.centroid).to.equal('2665.000 ± 0.050 (2675.000 ± 0.050 MeV)');
    expect(cells.fwhm).to.equal('6.33 ± 0.12 (6.33 ± 0.12 MeV)');
  });

  it('a region without a significant peak has no centroid and no width', () => {
    const { gross, background, net, edgeChannels } = ANSWER.figures;
    const answer = { ...ANSWER, figures: { gross, background, net, edgeChannels } };
    const cells = regionCells(answer, AXIS, undefined, { inChannels: false, calibration: undefined });
    expect([cells.centroid, cells.fwhm]).to.deep.equal(['—', '—']);
  });

  it('typed limits become whole channels within the axis, and no others', () => {
    expect(limitTexts([2_641, 2_691], AXIS, false)).to.deep.equal(['1320.0', '1345.0']);
    expect(rangeOfLimits('1320', '1345', AXIS, false)).to.deep.equal([2_641, 2_691]);
    expect(rangeOfLimits('2640', '2690', AXIS, true)).to.deep.equal([2_641, 2_691]);
    expect(rangeOfLimits('2000', '9000', AXIS, false)).to.deep.equal([4_001, 4_097]);
    for (const [low, high] of [
      ['1345', '1320'],
      ['', '5'],
      ['a', '5'],
      ['5000', '6000'],
    ] as const) {
      expect(rangeOfLimits(low, high, AXIS, false), `${low} to ${high}`).to.equal(undefined);
    }
  });
});
