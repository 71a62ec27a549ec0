/** Plots that are shown alike. Pure. */
import { expect } from 'chai';
import type { Axis } from '../../../web/view/axis.js';
import { defaultPlot, type PlotSpec } from '../../../web/view/plot-spec.js';
import { commonLimits, isSameKind, sharedView, type ShownPlot } from '../../../web/view/shared-view.js';

function axis(channels: number, high: number): Axis {
  return { channels, inRange: [0, channels], low: 0, high, label: 'keV' };
}

function shown(x: Axis, spec: Partial<PlotSpec> = {}, part: Partial<ShownPlot> = {}): ShownPlot {
  const axes = { x, y: axis(1, 1) };
  const whole = { spec: { ...defaultPlot('a'), ...spec }, scale: 'linear' as const, isOneDimensional: true };
  return {
    ...whole,
    axes,
    ranges: { x: x.inRange, y: [0, 1] },
    countLimits: { bottom: 0, top: 100 },
    ...part,
  };
}

describe('the same scale and range for all plots', () => {
  const from = shown(axis(100, 1_000), {}, { scale: 'log', ranges: { x: [10, 50], y: [0, 1] } });

  it('another plot shows the same part in units, whatever its channels', () => {
    const view = sharedView(from, shown(axis(2_000, 1_000)), { low: undefined, high: 500 });
    expect(view).to.deep.include({ scale: 'log', x: [200, 1_000] });
    expect(view.look).to.include({ low: undefined, high: 500 });
  });

  it('a plot in channels gives its channels, and a part beyond the axis ends with it', () => {
    const byChannel = { ...from, spec: { ...from.spec, channels: true } };
    expect(sharedView(byChannel, shown(axis(2_000, 1_000)), { low: undefined, high: 1 }).x).to.deep.equal([
      10, 50,
    ]);
    expect(sharedView(from, shown(axis(40, 400)), { low: undefined, high: 1 }).x).to.equal(undefined);
  });

  it('the common limits hold the counts of all plots', () => {
    const plots = [from, shown(axis(9, 9), {}, { countLimits: { bottom: -5, top: 900 } })];
    expect(commonLimits(plots)).to.deep.equal({ low: -5, high: 900 });
    expect(commonLimits([from])).to.deep.equal({ low: undefined, high: 100 });
    expect(commonLimits([{ ...from, countLimits: undefined }])).to.deep.equal({ low: undefined, high: 1 });
  });

  it('maps, histograms, rates and ratios are not shown alike', () => {
    expect(isSameKind(from, shown(axis(9, 9)))).to.equal(true);
    expect(isSameKind(from, shown(axis(9, 9), { rateS: 10 }))).to.equal(false);
    expect(isSameKind(from, shown(axis(9, 9), {}, { isOneDimensional: false }))).to.equal(false);
    const ratio = { spectra: ['a', 'b'], comparison: { kind: 'ratio', amount: 1 } } as const;
    expect(isSameKind(from, shown(axis(9, 9), ratio))).to.equal(false);
  });
});
