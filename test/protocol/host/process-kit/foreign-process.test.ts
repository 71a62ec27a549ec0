/** Stopping processes that are no children of this one, with real processes. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { systemClock } from '../../../../protocol/base/clock.js';
import { isAlive, parseProcessStat, type OwnerIdentity } from '../../../../protocol/base/owner-identity.js';
import { stopForeign } from '../../../../protocol/host/process-kit/foreign-process.js';
import { TestProcess } from '../../../kit/test-process.js';

describe('stopping a process that is no child', () => {
  const started: TestProcess[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((child) => child.kill()));
  });

  async function start(behaviour: string): Promise<{ child: TestProcess; identity: OwnerIdentity }> {
    const child = new TestProcess('test/fixtures/child-behaviours', [behaviour]);
    started.push(child);
    await child.line();
    const stat = parseProcessStat(readFileSync(`/proc/${child.pid}/stat`, 'latin1'));
    return { child, identity: { pid: child.pid, startTicks: stat?.startTicks ?? 0n } };
  }

  it('a process that is no child gets SIGTERM and is waited for', async () => {
    const { child, identity } = await start('signals');
    await stopForeign(identity, systemClock);
    expect(isAlive(identity)).to.equal(false);
    expect(await child.end()).to.equal(0);
  });

  it('a process that is no child is killed when it ignores SIGTERM', async () => {
    const { child, identity } = await start('stubborn');
    await stopForeign(identity, systemClock, 60);
    expect(await child.end()).to.equal('SIGKILL');
  });

  it('a process with a reused process id gets no signal', async () => {
    const { child, identity } = await start('ready');
    const other = { ...identity, startTicks: identity.startTicks + 1n };
    await stopForeign(other, systemClock);
    expect(isAlive(identity)).to.equal(true);
    expect(child.process.exitCode).to.equal(null);
  });
});
