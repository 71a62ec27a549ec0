import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  claimPath,
  clearPath,
  inodeOf,
  releasePath,
  temporaryName,
  type ClaimState,
} from '../../../../protocol/base/files/claim.js';
import { withLock } from '../../../../protocol/base/files/claim-lock.js';
import { openFlowFile } from '../../../../protocol/flow/flow-file/open.js';
import { TestProcess } from '../../../fixtures/child-process.js';
import { Place, thrownBy } from '../../flow/flow-file/place.js';
import { damageHeader } from '../../flow/flow-file/damage.js';

const CLAIMANTS = 6;
const ROUNDS = 12;

describe('claiming a path', () => {
  let place: Place;
  const processes: TestProcess[] = [];
  beforeEach(() => {
    place = new Place();
  });
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.kill()));
    place.remove();
  });

  function prepared(text: string): string {
    const path = temporaryName(place.file('record'));
    writeFileSync(path, text);
    return path;
  }
  const says = (state: ClaimState) => () => state;

  it('puts the file in place and leaves no temporary name', () => {
    claimPath(place.file('record'), prepared('mine'), says({ kind: 'free' }));
    expect(readdirSync(place.path)).to.deep.equal(['record']);
  });

  it('leaves a living owner’s file untouched and names the owner', () => {
    writeFileSync(place.file('record'), 'theirs');
    const error = thrownBy(() =>
      claimPath(place.file('record'), prepared('mine'), says({ kind: 'owned', pid: 42 })),
    );
    expect([error.code, error.facts]).to.deep.equal(['FILE_OWNED', { path: place.file('record'), pid: 42 }]);
    expect(readdirSync(place.path)).to.deep.equal(['record']);
    expect(readFileSync(place.file('record'), 'utf8')).to.equal('theirs');
  });

  it('replaces a dead owner’s file', () => {
    writeFileSync(place.file('record'), 'theirs');
    claimPath(place.file('record'), prepared('mine'), says({ kind: 'dead' }));
    expect(readFileSync(place.file('record'), 'utf8')).to.equal('mine');
  });

  it('looks again under the lock, so that a file which came meanwhile is not taken for the dead one', () => {
    writeFileSync(place.file('record'), 'theirs');
    const looks: ClaimState[] = [{ kind: 'dead' }, { kind: 'owned', pid: 7 }];
    const error = thrownBy(() => clearPath(place.file('record'), () => looks.shift()!));
    expect(error.code).to.equal('FILE_OWNED');
    expect(readFileSync(place.file('record'), 'utf8')).to.equal('theirs');
  });

  it('gives up a path that changes hands at every try', () => {
    const path = place.file('record');
    writeFileSync(path, 'theirs');
    // Whatever is removed is there again before it can be linked.
    const error = thrownBy(() =>
      claimPath(path, prepared('mine'), () => {
        return { kind: 'free' };
      }),
    );
    expect(error.code).to.equal('FILE_OWNED');
    expect(error.message).to.contain('8 times');
  });

  it('removes only its own file when it releases the path', () => {
    const path = place.file('record');
    writeFileSync(path, 'other');
    const inode = inodeOf(path)!;
    releasePath(path, inode + 1n);
    expect(readdirSync(place.path)).to.deep.equal(['record']);
    releasePath(path, inode);
    releasePath(path, inode);
    expect(readdirSync(place.path)).to.deep.equal([]);
    expect(inodeOf(path)).to.equal(undefined);
  });

  it('is won by one of several processes, whether the path is free or a dead owner’s', async function () {
    this.timeout(120_000);
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    const corpse = place.create({ path: place.file('corpse') });
    damageHeader(corpse, 'ownerPid', dead.pid!);
    for (let round = 0; round < ROUNDS; round += 1) {
      // Free, a dead owner's and no flow file at all, in turn.
      if (round % 3 === 1) linkSync(corpse.path, place.file(`flow.${round}`));
      if (round % 3 === 2) writeFileSync(place.file(`flow.${round}`), 'rubbish');
    }
    for (let index = 0; index < CLAIMANTS; index += 1)
      processes.push(new TestProcess('test/fixtures/claimant', [place.file('flow'), String(ROUNDS)]));
    for (const claimant of processes) expect(await claimant.line()).to.equal('ready');
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const claimant of processes) claimant.say('go');
      const outcomes = await Promise.all(processes.map((claimant) => claimant.line()));
      const winner = processes.find((_, index) => outcomes[index] === 'won');
      expect(outcomes.filter((outcome) => outcome !== 'won')).to.deep.equal(
        Array.from({ length: CLAIMANTS - 1 }, () => 'FILE_OWNED'),
      );
      expect(openFlowFile(place.file(`flow.${round}`), 'read').owner.pid).to.equal(winner?.pid);
    }
    expect(readdirSync(place.path).filter((name) => name.endsWith('.tmp'))).to.deep.equal([]);
  });

  it('passes from a killed owner to the next, and leaves a living one alone', async () => {
    const first = new TestProcess('test/fixtures/claimant', [place.file('flow')]);
    processes.push(first);
    await first.line();
    first.say('go');
    expect(await first.line()).to.equal('won');
    const before = inodeOf(place.file('flow.0'));
    const error = thrownBy(() => place.create({ path: place.file('flow.0') }));
    expect([error.code, error.facts]).to.deep.equal([
      'FILE_OWNED',
      { path: place.file('flow.0'), pid: first.pid },
    ]);
    expect(inodeOf(place.file('flow.0'))).to.equal(before);
    await first.kill();
    expect(place.create({ path: place.file('flow.0') }).owner.pid).to.equal(process.pid);
  });
});

describe('the claim lock', () => {
  let place: Place;
  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.remove());

  it('is held by one at a time and let go when the action throws', () => {
    const path = place.file('lock');
    expect(() =>
      withLock(path, () => {
        throw new Error('inside');
      }),
    ).to.throw('inside');
    expect(withLock(path, () => 5)).to.equal(5);
    expect(readFileSync(path).subarray(0, 8).equals(Buffer.alloc(8))).to.equal(true);
  });

  it('is taken over from a holder that died', async () => {
    const path = place.file('lock');
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    withLock(path, () => undefined);
    const word = Buffer.alloc(4096);
    word.writeBigUInt64LE((1234n << 22n) | BigInt(dead.pid!));
    writeFileSync(path, word);
    expect(withLock(path, () => 'mine')).to.equal('mine');
  });

  it('is not waited for without end', () => {
    const path = place.file('lock');
    const error = thrownBy(() => withLock(path, () => withLock(path, () => 'never')));
    expect([error.code, error.facts]).to.deep.equal(['TIMED_OUT', { path, pid: process.pid }]);
  });
});
