/** Labels of an axis of counts: powers of ten where plain numbers have too many zeros. */
import { expect } from 'chai';
import { countScale } from '../../../plotting/scale.js';
import { countLabel } from '../../../web/view/count-label.js';

describe('labels of an axis of counts', () => {
  it('a logarithmic axis up to a hundred thousand and more has powers of ten, all others plain labels', () => {
    const labels = (name: 'linear' | 'log', top: number, most: number): string[] => {
      const scale = countScale(name, top);
      return scale.ticks(most).map((tick) => countLabel(tick, scale));
    };
    expect(labels('log', 2e5, 6)).to.deep.equal(['0', '10⁰', '10¹', '10²', '10³', '10⁴', '10⁵']);
    expect(labels('log', 2e5, 18).slice(0, 5)).to.deep.equal(['0', '10⁰', '2·10⁰', '5·10⁰', '10¹']);
    expect(labels('log', 200, 3)).to.deep.equal(['0', '1', '10', '100']);
    expect(labels('linear', 2e5, 2)).to.deep.equal(['0', '100k', '200k']);
  });
});
