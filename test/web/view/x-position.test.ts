/** Even and logarithmic x axes. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { channelAtShare, leftChannel, shareOfChannel, usableOrigin } from '../../../web/view/x-position.js';

describe('the x axis of a plot', () => {
  it('a decade has the same width anywhere on a logarithmic axis', () => {
    const share = (channel: number): number => shareOfChannel(channel, [1, 1_001], 0);
    expect(share(1)).to.equal(0);
    expect(share(1_001)).to.be.closeTo(1, 1e-12);
    expect(share(100) - share(10)).to.be.closeTo(share(500) - share(50), 1e-12);
  });

  it('a logarithmic axis begins behind its zero, and channels before are at its begin', () => {
    expect(leftChannel([0, 100], 0)).to.equal(0.5);
    expect(shareOfChannel(0, [0, 100], 0)).to.equal(0);
    expect(shareOfChannel(-7, [0, 100], 0)).to.equal(0);
    expect(leftChannel([20, 100], 0)).to.equal(20);
  });

  it('a range without a part above zero keeps its even axis', () => {
    expect(usableOrigin(100, [0, 100])).to.equal(undefined);
    expect(usableOrigin(Number.NaN, [0, 100])).to.equal(undefined);
    expect(usableOrigin(-5, [0, 100])).to.equal(-5);
  });

  it('every share is that of its channel, on both axes', () => {
    const range = fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 2, max: 5_000 }));
    fc.assert(
      fc.property(
        range,
        fc.option(fc.integer({ min: -100, max: 0 }), { nil: undefined }),
        fc.nat(100),
        (part, origin, percent) => {
          const visible = [part[0], part[0] + part[1]] as const;
          const channel = channelAtShare(percent / 100, visible, origin);
          expect(shareOfChannel(channel, visible, origin)).to.be.closeTo(percent / 100, 1e-9);
        },
      ),
    );
  });
});
