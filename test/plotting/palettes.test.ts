/** The palettes of heat maps. Pure. */
import { expect } from 'chai';
import { PALETTE_NAMES, paletteColour } from '../../plotting/palettes.js';

function luminance([red, green, blue]: readonly [number, number, number]): number {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe('the palettes', () => {
  it("magma has matplotlib's ends and middle, jet its blue, green and red", () => {
    expect([0, 0.5, 1].map((unit) => paletteColour('magma', unit))).to.deep.equal([
      [0, 0, 4],
      [183, 55, 121],
      [252, 253, 191],
    ]);
    expect([0, 0.5, 1].map((unit) => paletteColour('jet', unit))).to.deep.equal([
      [0, 0, 128],
      [128, 255, 128],
      [128, 0, 0],
    ]);
  });
  it('all palettes but jet become brighter with every step', () => {
    for (const name of PALETTE_NAMES.filter((one) => one !== 'jet')) {
      const steps = Array.from({ length: 17 }, (_, step) => luminance(paletteColour(name, step / 16)));
      expect(steps, name).to.deep.equal([...new Set(steps)].sort((one, other) => one - other));
    }
  });
  it('a position outside has the colour of the end in every palette', () => {
    for (const name of PALETTE_NAMES) {
      expect(paletteColour(name, -1)).to.deep.equal(paletteColour(name, 0));
      expect(paletteColour(name, 9)).to.deep.equal(paletteColour(name, 1));
    }
  });
});
