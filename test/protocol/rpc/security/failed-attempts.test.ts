import { expect } from 'chai';
import { FailedAttempts } from '../../../../protocol/rpc/security/failed-attempts.js';
import type { Clock } from '../../../../protocol/base/clock.js';

const LIMITS = { failures: 3, windowMs: 1_000, addresses: 2 };

describe('failed attempts', () => {
  let now: number;
  let attempts: FailedAttempts;

  beforeEach(() => {
    now = 0;
    const clock: Clock = { nowMs: () => now, after: () => () => undefined };
    attempts = new FailedAttempts(clock, LIMITS);
  });

  function fail(address: string, times: number): boolean[] {
    return Array.from({ length: times }, () => attempts.failed(address));
  }

  it('close the door at the limit, say so once, and open it when the window is over', () => {
    expect(fail('a', 4)).to.deep.equal([false, false, true, false]);
    now = 400;
    expect(attempts.refusedForMs('a')).to.equal(600);
    now = 1_000;
    expect(attempts.refusedForMs('a')).to.equal(0);
  });

  it('of one address are none of another', () => {
    fail('a', 3);
    expect(attempts.refusedForMs('b')).to.equal(0);
  });

  it('are forgotten once somebody has proved himself', () => {
    fail('a', 2);
    attempts.succeeded('a');
    expect(fail('a', 1)).to.deep.equal([false]);
  });

  it('of more addresses than are remembered count together', () => {
    fail('a', 1);
    fail('b', 1);
    expect(['c', 'd', 'e'].map((address) => attempts.failed(address))).to.deep.equal([false, false, true]);
    expect(attempts.refusedForMs('f')).to.equal(1_000);
    expect(attempts.refusedForMs('a')).to.equal(0);
  });
});
