/** When a child that died is started again. Pure: times are numbers. */
import { expect } from 'chai';
import { RestartPolicy } from '../../../../protocol/host/process-kit/restart-policy.js';

const LIMITS = { maxRestarts: 4, windowMs: 1000, firstIntervalMs: 50, maxIntervalMs: 120 };

describe('restart policy', () => {
  it('a crash loop is restarted at once, then with growing delays, then no more', () => {
    const policy = new RestartPolicy(LIMITS);
    const decisions = [0, 10, 60, 170, 290].map((now) => policy.died(now));
    expect(decisions).to.deep.equal([
      { kind: 'restart', delayMs: 0 },
      { kind: 'restart', delayMs: 40 },
      { kind: 'restart', delayMs: 90 },
      { kind: 'restart', delayMs: 100 },
      { kind: 'give-up', deaths: 5 },
    ]);
  });

  it('a child that lived for the interval is restarted at once', () => {
    const policy = new RestartPolicy(LIMITS);
    const decisions = [0, 60, 170, 300].map((now) => policy.died(now));
    for (const decision of decisions) expect(decision).to.deep.equal({ kind: 'restart', delayMs: 0 });
  });

  it('deaths outside the window do not count, and none after a requested start', () => {
    const policy = new RestartPolicy(LIMITS);
    for (const now of [0, 10, 20, 30]) policy.died(now);
    // The earliest start was at 270 ms; the child has lived since.
    expect(policy.died(1015)).to.deep.equal({ kind: 'restart', delayMs: 0 });
    expect(policy.died(1016)).to.deep.equal({ kind: 'restart', delayMs: 119 });
    policy.reset();
    expect(policy.died(1020)).to.deep.equal({ kind: 'restart', delayMs: 0 });
  });
});
