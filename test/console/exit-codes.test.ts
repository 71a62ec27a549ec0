/** The exit code of each error code, on which scripts rely. Pure. */
import { expect } from 'chai';
import { EXIT, exitCodeOf } from '../../console/exit-codes.js';
import { MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';

describe('exit codes', () => {
  it('bad usage, nothing running, unknown names and time-outs have exit codes of their own', () => {
    const expected: Partial<Record<ErrorCode, number>> = {
      BAD_OPTION: 2,
      BAD_NAME: 2,
      BAD_ADDRESS: 2,
      NOT_RUNNING: 3,
      UNKNOWN_APPLICATION: 4,
      UNKNOWN_FLOW: 4,
      UNKNOWN_SPECTRUM: 4,
      TIMED_OUT: 5,
      SOURCE_UNREACHABLE: 1,
      NO_SPACE: 1,
    };
    for (const [code, exit] of Object.entries(expected)) {
      expect(exitCodeOf(new MirrorflowError(code as ErrorCode, 'so')), code).to.equal(exit);
    }
  });

  it('every other error has the exit code of a failure', () => {
    expect(exitCodeOf(new Error('so'))).to.equal(EXIT.failed);
    expect(exitCodeOf('so')).to.equal(EXIT.failed);
  });
});
