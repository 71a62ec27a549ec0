import { expect } from 'chai';
import { RestartPolicy } from '../../../../protocol/host/process-kit/restart-policy.js';

const LIMITS = { maxRestarts: 4, windowMs: 1000, firstIntervalMs: 50, maxIntervalMs: 120 };

describe('the restart policy', () => {
  it('restarts at once, then later and later, then not any more', () => {
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

  it('restarts at once what has lived for a while, until it is too often', () => {
    const policy = new RestartPolicy(LIMITS);
    const decisions = [0, 60, 170, 300].map((now) => policy.died(now));
    for (const decision of decisions) expect(decision).to.deep.equal({ kind: 'restart', delayMs: 0 });
  });

  it('forgets deaths that are long ago, and all of them when somebody asks for a start', () => {
    const policy = new RestartPolicy(LIMITS);
    for (const now of [0, 10, 20, 30]) policy.died(now);
    // It was to be started at 270 at the earliest, and lived since.
    expect(policy.died(1015)).to.deep.equal({ kind: 'restart', delayMs: 0 });
    expect(policy.died(1016)).to.deep.equal({ kind: 'restart', delayMs: 119 });
    policy.reset();
    expect(policy.died(1020)).to.deep.equal({ kind: 'restart', delayMs: 0 });
  });
});
