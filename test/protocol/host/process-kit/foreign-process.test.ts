/** Stopping processes that are no children of this one, with real processes. */
import { expect } from 'chai';
import { systemClock } from '../../../../protocol/base/clock.js';
import { isAlive } from '../../../../protocol/base/owner-identity.js';
import { stopForeign } from '../../../../protocol/host/process-kit/foreign-process.js';
import { BehavingProcesses } from './behaving-processes.js';

describe('stopping a process that is no child', () => {
  const processes = new BehavingProcesses();
  afterEach(async () => processes.kill());

  it('a process that is no child gets SIGTERM and is waited for', async () => {
    const { child, identity } = await processes.start('signals');
    await stopForeign(identity, systemClock);
    expect(isAlive(identity)).to.equal(false);
    expect(await child.end()).to.equal(0);
  });

  it('a process that is no child is killed when it ignores SIGTERM', async () => {
    const { child, identity } = await processes.start('stubborn');
    await stopForeign(identity, systemClock, 60);
    expect(await child.end()).to.equal('SIGKILL');
  });

  it('a process with a reused process id gets no signal', async () => {
    const { child, identity } = await processes.start('ready');
    const other = { ...identity, startTicks: identity.startTicks + 1n };
    await stopForeign(other, systemClock);
    expect(isAlive(identity)).to.equal(true);
    expect(child.process.exitCode).to.equal(null);
  });
});
