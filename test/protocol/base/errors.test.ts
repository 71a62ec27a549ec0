/** The error class and the table of its codes. Pure. */
import { expect } from 'chai';
import {
  ERROR_CODES,
  MirrorflowError,
  codeOfFault,
  describeError,
  isMirrorflowError,
  systemCode,
  type ErrorCode,
} from '../../../protocol/base/errors.js';

describe('errors', () => {
  it('every error code has its own fault number, from which the code is found again', () => {
    const codes = Object.keys(ERROR_CODES) as ErrorCode[];
    expect(new Set(Object.values(ERROR_CODES)).size).to.equal(codes.length);
    for (const code of codes) expect(codeOfFault(ERROR_CODES[code])).to.equal(code);
    expect(codeOfFault(12_345)).to.equal('APPLICATION_ERROR');
  });

  it('an error carries code, facts and cause', () => {
    const cause = new Error('below');
    const error = new MirrorflowError('NO_SPACE', 'above', { bytes: 5 }, cause);
    expect([error.code, error.facts, error.cause, error.name]).to.deep.equal([
      'NO_SPACE',
      { bytes: 5 },
      cause,
      'MirrorflowError',
    ]);
    expect([
      isMirrorflowError(error),
      isMirrorflowError(error, 'CLOSED'),
      isMirrorflowError(cause),
    ]).to.deep.equal([true, false, false]);
  });

  it('any thrown value is described in one line', () => {
    expect(describeError(new AggregateError([new Error('first'), new Error('second')]))).to.equal('first');
    expect(describeError(new TypeError(''))).to.equal('TypeError');
    expect([describeError('text'), describeError(undefined)]).to.deep.equal(['text', 'undefined']);
    expect(systemCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).to.equal('ENOENT');
    expect([systemCode(new Error('x')), systemCode({ code: 'ENOENT' })]).to.deep.equal([
      undefined,
      undefined,
    ]);
  });
});
