import { expect } from 'chai';
import { RestartPolicy } from '../../../protocol/process-kit/restart-policy.js';

const LIMITS = { maxRestarts: 4, windowMs: 1000, firstDelayMs: 50, maxDelayMs: 120 };

describe('the restart policy', () => {
  it('restarts at once, then later and later, then not any more', () => {
    const policy = new RestartPolicy(LIMITS);
    const decisions = [0, 10, 20, 30, 40].map((now) => policy.died(now));
    expect(decisions).to.deep.equal([
      { kind: 'restart', delayMs: 0 },
      { kind: 'restart', delayMs: 50 },
      { kind: 'restart', delayMs: 100 },
      { kind: 'restart', delayMs: 120 },
      { kind: 'give-up', deaths: 5 },
    ]);
  });

  it('forgets deaths that are long ago, and all of them when somebody asks for a start', () => {
    const policy = new RestartPolicy(LIMITS);
    for (const now of [0, 10, 20, 30]) policy.died(now);
    expect(policy.died(1015)).to.deep.equal({ kind: 'restart', delayMs: 100 });
    policy.reset();
    expect(policy.died(1020)).to.deep.equal({ kind: 'restart', delayMs: 0 });
  });
});
