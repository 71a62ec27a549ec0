/** Option values of commands: numbers and byte counts, and their refusals. Pure. */
import { expect } from 'chai';
import { bytesValue, numberValue } from '../../console/option-values.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';

const BOUNDS = { min: 0, max: 2 ** 31 - 1 };

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isMirrorflowError(error, 'BAD_OPTION')) return error.message;
    throw error;
  }
  throw new Error('it was taken');
}

describe('option values', () => {
  it('a number option accepts numbers within its bounds only', () => {
    expect(numberValue('linger', '1.5e3', BOUNDS)).to.equal(1500);
    for (const text of ['', ' ', '1s', '0x10', 'NaN', 'Infinity', '-1', '1e99']) {
      expect(refusal(() => numberValue('linger', text, BOUNDS))).to.match(/^--linger is ".*"; it must be/);
    }
  });

  it('a byte option accepts units of 1,024 and of 1,000', () => {
    const cases = {
      '65536': 65_536,
      '64KiB': 65_536,
      '64 MiB': 2 ** 26,
      '1.5G': 1.5 * 2 ** 30,
      '2mb': 2e6,
      '7B': 7,
    };
    for (const [text, bytes] of Object.entries(cases)) {
      expect(bytesValue('ring-bytes', text, BOUNDS), text).to.equal(bytes);
    }
    for (const text of ['', 'MiB', '3parsec', '-1', '4GiB', '1e3']) {
      expect(
        refusal(() => bytesValue('ring-bytes', text, BOUNDS)),
        text,
      ).to.contain('64MiB');
    }
  });

  it('an error quotes only the beginning of a long option value', () => {
    expect(refusal(() => numberValue('interval', 'x'.repeat(100_000), BOUNDS)).length).to.be.below(300);
  });
});
