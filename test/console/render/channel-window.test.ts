/** The channels that a plot shows for a range in axis units. Pure. */
import { expect } from 'chai';
import { channelWindow } from '../../../console/render/channel-window.js';

const shown = (range?: readonly [number, number]): number[] => {
  const { first, end, from, to } = channelWindow(10, 100, 200, range);
  return [first, end, from, to];
};

describe('the channels that a plot shows', () => {
  it('without a range a plot shows all channels', () => {
    expect(shown()).to.deep.equal([0, 10, 100, 200]);
  });
  it('a range is widened to whole channels, in either order', () => {
    expect(shown([115, 141])).to.deep.equal([1, 5, 110, 150]);
    expect(shown([141, 115])).to.deep.equal([1, 5, 110, 150]);
  });
  it('a range inside one channel selects that channel', () => {
    expect(shown([112, 113])).to.deep.equal([1, 2, 110, 120]);
    expect(shown([110, 110])).to.deep.equal([1, 2, 110, 120]);
  });
  it('a range beside the axis selects no channel', () => {
    for (const range of [
      [0, 50],
      [300, 400],
    ] as const) {
      const { first, end } = channelWindow(10, 100, 200, range);
      expect(end - first).to.equal(0);
    }
  });
  it('an axis without a finite, increasing range is replaced by channel numbers', () => {
    for (const [min, max] of [
      [5, 5],
      [9, 1],
      [Number.NaN, 1],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      expect(channelWindow(10, min, max)).to.deep.include({ from: 0, to: 10, channelWidth: 1 });
    }
  });
});
