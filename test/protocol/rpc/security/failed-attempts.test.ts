/** The limit of failed attempts to authenticate, with a manual clock. */
import { expect } from 'chai';
import { FailedAttempts } from '../../../../protocol/rpc/security/failed-attempts.js';
import type { Clock } from '../../../../protocol/base/clock.js';

const LIMITS = { failures: 3, windowMs: 1_000, addresses: 2 };

describe('failed attempts', () => {
  let nowMs: number;
  let attempts: FailedAttempts;

  beforeEach(() => {
    nowMs = 0;
    const clock: Clock = { nowMs: () => nowMs, after: () => () => undefined };
    attempts = new FailedAttempts(clock, LIMITS);
  });

  function fail(address: string, times: number): boolean[] {
    return Array.from({ length: times }, () => attempts.recordFailure(address));
  }

  it('an address is blocked at the limit until the window ends, and this is reported once', () => {
    expect(fail('a', 4)).to.deep.equal([false, false, true, false]);
    nowMs = 400;
    expect(attempts.blockedForMs('a')).to.equal(600);
    nowMs = 1_000;
    expect(attempts.blockedForMs('a')).to.equal(0);
  });

  it('the failures of one address do not block another', () => {
    fail('a', 3);
    expect(attempts.blockedForMs('b')).to.equal(0);
  });

  it('a successful authentication resets the count', () => {
    fail('a', 2);
    attempts.reset('a');
    expect(fail('a', 1)).to.deep.equal([false]);
  });

  it('addresses beyond the number of separate counts share one count', () => {
    fail('a', 1);
    fail('b', 1);
    expect(['c', 'd', 'e'].map((address) => attempts.recordFailure(address))).to.deep.equal([
      false,
      false,
      true,
    ]);
    expect(attempts.blockedForMs('f')).to.equal(1_000);
    expect(attempts.blockedForMs('a')).to.equal(0);
  });
});
