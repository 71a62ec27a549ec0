/** The progress line of `send` and `receive`. Pure. */
import { expect } from 'chai';
import { progressLine } from '../../../console/transfer/progress.js';

describe('the progress of a transfer', () => {
  const before = { buffers: 100, bytes: 0, lost: 0 };

  it('the progress line shows bytes, buffers, rates and time, and losses if there are any', () => {
    const now = { buffers: 1100, bytes: 2 ** 20, lost: 0 };
    expect(progressLine(now, before, 500, 60_000)).to.equal('1 MiB  1,100 buffers  2 MiB/s  2k/s  1m 00s');
    expect(progressLine({ ...now, lost: 12 }, before, 500, 60_000)).to.contain('  12 lost  ');
  });

  it('the progress line has no rates before time has passed', () => {
    expect(progressLine(before, before, 0, 0)).to.equal('0 B  100 buffers  -  -  0 s');
  });
});
