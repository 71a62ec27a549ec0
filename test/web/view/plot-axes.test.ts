/** Which axes and channels a plot shows by its settings. */
import { expect } from 'chai';
import { IDENTITY_PLACEMENT } from '../../../web/view/axis.js';
import { axesOf, placementOf, rangesOf } from '../../../web/view/plot-axes.js';
import { defaultPlot } from '../../../web/view/plot-spec.js';
import { sampleMap } from '../../kit/sample-spectrum.js';

const MAP = sampleMap({ xmax: 200, ymin: -5, ymax: 5, xlabel: 'E', ylabel: 'dE' });

describe('the axes of a plot', () => {
  it('a projection onto y has the y axis of the spectrum across', () => {
    expect(axesOf(MAP, defaultPlot('map')).x.label).to.equal('E');
    const { x, y } = axesOf(MAP, { ...defaultPlot('map'), projection: 'y' });
    expect([x.label, y.label]).to.deep.equal(['dE', 'E']);
  });

  it('without a part all channels in range are visible, and a part stays within them', () => {
    const spec = defaultPlot('map');
    const axes = axesOf(MAP, spec);
    expect(rangesOf(axes, spec)).to.deep.equal({ x: [1, 101], y: [1, 51] });
    expect(rangesOf(axes, { ...spec, x: [90, 150], y: [0, 20] })).to.deep.equal({ x: [41, 101], y: [1, 21] });
  });

  it('the first spectrum has its own place, and an overlaid one is placed by units or by channels', () => {
    const spec = { ...defaultPlot('map'), spectra: ['map', 'wide'] };
    const axes = axesOf(MAP, spec);
    const wide = { ...MAP, name: 'wide', xmax: 400 };
    expect(placementOf(MAP, axes, spec)).to.deep.equal(IDENTITY_PLACEMENT);
    expect(placementOf(wide, undefined, spec)).to.deep.equal(IDENTITY_PLACEMENT);
    expect(placementOf(wide, axes, spec).scale).to.equal(2);
    expect(placementOf(wide, axes, { ...spec, channels: true }).scale).to.equal(1);
  });
});
