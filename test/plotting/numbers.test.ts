/** Numbers for people: counts, rates, bytes, durations. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  formatShortCount,
} from '../../plotting/numbers.js';

describe('number formats', () => {
  it('a count keeps every digit, in groups of three', () => {
    expect(formatCount(1234567)).to.equal('1,234,567');
    expect(formatCount(12345678901234567890n)).to.equal('12,345,678,901,234,567,890');
    expect(formatCount(Number.NaN)).to.equal('-');
  });
  it('a short count has three digits and an SI prefix', () => {
    expect([0, 7, 999, 1000, 1500, 23_400_000, 999_999].map(formatShortCount)).to.deep.equal([
      '0',
      '7',
      '999',
      '1k',
      '1.5k',
      '23.4M',
      '1M',
    ]);
  });
  it('rates and byte counts carry their units', () => {
    expect(formatRate(1234)).to.equal('1.23k/s');
    expect(formatBytes(0)).to.equal('0 B');
    expect(formatBytes(1536)).to.equal('1.5 KiB');
    expect(formatBytes(1023)).to.equal('1023 B');
    expect(formatBytes(1024 * 1024 - 1)).to.equal('1 MiB');
    expect(formatByteRate(12 * 1024 * 1024)).to.equal('12 MiB/s');
    expect(formatByteRate(Number.POSITIVE_INFINITY)).to.equal('-');
  });
  it('a duration shows its two largest units', () => {
    const given = [0, 0.035, 0.9999, 350, 999.7, 4200, 59_960, 65_000, 7_380_000, 3_599_900, 349_200_000];
    expect(given.map(formatDuration)).to.deep.equal([
      '0 s',
      '35 us',
      '1 ms',
      '350 ms',
      '1.0 s',
      '4.2 s',
      '1m 00s',
      '1m 05s',
      '2h 03m',
      '1h 00m',
      '4d 01h',
    ]);
  });
  it('short counts and byte counts stay short for every size', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e18, noNaN: true }), (value) => {
        expect(formatShortCount(value)).to.match(/^[0-9.e-]{1,10}[kMGTPE]?$/);
        expect(formatBytes(value)).to.match(/^[0-9.e-]{1,10} ([KMGTPE]i)?B$/);
      }),
    );
  });
});
