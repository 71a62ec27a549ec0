/** The colour map of heat maps against matplotlib's values. Pure. */
import { expect } from 'chai';
import { viridis } from '../../plotting/viridis.js';

describe('the heat colours', () => {
  it("the colour map begins dark violet, ends yellow and has matplotlib's middle", () => {
    expect(viridis(0)).to.deep.equal([68, 1, 84]);
    expect(viridis(0.5)).to.deep.equal([33, 145, 140]);
    expect(viridis(1)).to.deep.equal([253, 231, 37]);
  });
  it('a position beyond the ends has the colour of the end', () => {
    expect(viridis(-1)).to.deep.equal(viridis(0));
    expect(viridis(2)).to.deep.equal(viridis(1));
  });
  it('the colours become brighter from one sixteenth to the next', () => {
    let before = -1;
    for (let step = 0; step <= 16; step += 1) {
      const [red, green, blue] = viridis(step / 16);
      const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      expect(luminance).to.be.above(before);
      before = luminance;
    }
  });
});
