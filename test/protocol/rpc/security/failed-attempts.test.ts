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

  it('beyond the number of counted addresses the one counted first is forgotten', () => {
    fail('a', 3);
    fail('b', 3);
    fail('c', 1);
    expect(['a', 'b', 'c'].map((address) => attempts.blockedForMs(address) > 0)).to.deep.equal([
      false,
      true,
      false,
    ]);
  });

  it('an address that continues guessing is blocked again in each window', () => {
    for (const windowStartMs of [0, 1_000, 2_000]) {
      nowMs = windowStartMs;
      expect(fail('a', 3)).to.deep.equal([false, false, true]);
      expect(attempts.blockedForMs('a')).to.equal(1_000);
    }
  });

  it('the addresses of one IPv6 network count as one, and an IPv4 address in IPv6 as itself', () => {
    fail('2001:db8:0:1::1', 1);
    fail('2001:db8:0:1:ffff::2', 1);
    fail('2001:0db8::1:0:0:0:3', 1);
    expect(attempts.blockedForMs('2001:db8:0:1::9')).to.equal(1_000);
    expect(attempts.blockedForMs('2001:db8:0:2::1')).to.equal(0);
    fail('::ffff:10.0.0.1', 3);
    expect(attempts.blockedForMs('10.0.0.1')).to.equal(1_000);
  });

  it('the address of a configured host is never blocked', () => {
    const clock: Clock = { nowMs: () => nowMs, after: () => () => undefined };
    attempts = new FailedAttempts(clock, LIMITS, (address) => address === '10.0.0.1');
    expect(fail('10.0.0.1', 4)).to.deep.equal([false, false, false, false]);
    expect(attempts.blockedForMs('10.0.0.1')).to.equal(0);
    fail('10.0.0.2', 3);
    expect(attempts.blockedForMs('10.0.0.2')).to.equal(1_000);
  });
});
