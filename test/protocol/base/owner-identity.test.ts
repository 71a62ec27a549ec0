/** Whether the owner of a file lives: reused process ids, reboots. Reads /proc. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect } from 'chai';

import { isAlive, ownIdentity, parseProcessStat } from '../../../protocol/base/owner-identity.js';
import { skip } from '../../kit/skip.js';

describe('owner identities', () => {
  it('the identity of this process counts as alive', () => {
    const own = ownIdentity();
    expect(own.pid).to.equal(process.pid);
    expect(isAlive(own)).to.equal(true);
    expect(isAlive({ pid: own.pid, startTicks: own.startTicks })).to.equal(true);
  });

  it('an owner whose process id was reused is dead', function () {
    const own = ownIdentity();
    if (own.startTicks === 0n) skip(this, 'this system has no /proc with the start times of processes');
    expect(isAlive({ ...own, startTicks: own.startTicks + 1n })).to.equal(false);
  });

  it('an owner from another boot is dead', function () {
    const own = ownIdentity();
    if (own.bootId === undefined) skip(this, 'this kernel has no boot id in /proc');
    expect(isAlive({ ...own, bootId: '00000000-0000-0000-0000-000000000000' })).to.equal(false);
  });

  it('an owner is dead once its process has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const pid = child.pid!;
    expect(isAlive({ pid, startTicks: 0n })).to.equal(true);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect(isAlive({ pid, startTicks: 0n })).to.equal(false);
  });

  it('an id that is not one of a process counts as dead', () => {
    for (const pid of [0, -1, -process.pid, 1.5, Number.NaN, 2 ** 60]) {
      expect(isAlive({ pid, startTicks: 0n })).to.equal(false);
    }
  });

  it('a stat line is parsed also when the command name contains spaces and parentheses', () => {
    const fields = 'S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20';
    expect(parseProcessStat(`12 (a) b (c)) ${fields}`)).to.deep.equal({ state: 'S', startTicks: 987654n });
    expect(parseProcessStat('12 (a) S 1')).to.equal(undefined);
    expect(parseProcessStat('garbage')).to.equal(undefined);
  });
});
