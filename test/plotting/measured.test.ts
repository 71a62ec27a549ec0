import { expect } from 'chai';
import { formatMeasured, measuredText, unitOf } from '../../plotting/measured.js';

describe('measured values', () => {
  it('a value has the decimals of two digits of its uncertainty', () => {
    expect(formatMeasured(1332.50123, 0.0123)).to.equal('1332.501 ± 0.012');
    expect(formatMeasured(45_231.7, 310.4)).to.equal('45232 ± 310');
    expect(formatMeasured(3.1642, 0.9)).to.equal('3.16 ± 0.90');
    expect(measuredText(0.1, 2e-30)).to.deep.equal({ value: '0.100000000000', error: '0.000000000000' });
  });

  it('the unit of an axis is in the last brackets of its label', () => {
    expect(unitOf('ge.energy.00 [keV]')).to.equal('keV');
    expect(unitOf('time (ns)')).to.equal('ns');
    expect(unitOf('channel')).to.equal('');
  });

  it('a value without an uncertainty has six digits, and none is a hyphen', () => {
    expect(formatMeasured(3.16412345)).to.equal('3.16412');
    expect(formatMeasured(120_000)).to.equal('120000');
    expect(formatMeasured(Number.NaN, 1)).to.equal('-');
  });
});
