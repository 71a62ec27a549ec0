import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { systemClock } from '../../../../protocol/base/clock.js';
import { isAlive, parseProcessStat, type OwnerIdentity } from '../../../../protocol/base/owner-identity.js';
import { goneWithin, stopForeign } from '../../../../protocol/host/process-kit/foreign-process.js';
import { TestProcess } from '../../../kit/test-process.js';

describe('a process that is not our child', () => {
  const started: TestProcess[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.kill()));
  });

  async function start(behaviour: string): Promise<{ child: TestProcess; identity: OwnerIdentity }> {
    const child = new TestProcess('test/fixtures/child-behaviours', [behaviour]);
    started.push(child);
    await child.line();
    const stat = parseProcessStat(readFileSync(`/proc/${child.pid}/stat`, 'latin1'));
    return { child, identity: { pid: child.pid, startTicks: stat?.startTicks ?? 0n } };
  }

  it('is asked to end, and waited for', async () => {
    const { child, identity } = await start('signals');
    await stopForeign(identity, systemClock);
    expect(isAlive(identity)).to.equal(false);
    expect(await child.end()).to.equal(0);
  });

  it('is killed when it does not listen', async () => {
    const { child, identity } = await start('stubborn');
    await stopForeign(identity, systemClock, 60);
    expect(await child.end()).to.equal('SIGKILL');
  });

  it('is left alone when it only has the process id of the one that is meant', async () => {
    const { child, identity } = await start('ready');
    const other = { ...identity, startTicks: identity.startTicks + 1n };
    await stopForeign(other, systemClock);
    expect(await goneWithin(other, systemClock, 0)).to.equal(true);
    expect(await goneWithin(identity, systemClock, 0)).to.equal(false);
    expect(child.process.exitCode).to.equal(null);
  });
});
