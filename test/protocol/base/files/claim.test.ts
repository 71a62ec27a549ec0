// Claims of protocol/base/files/claim.ts and their lock: in one process, and with several claimant
// processes (test/fixtures/claimant) that compete for the same paths.
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
import { Place, thrownBy } from '../../flow/flow-file/place.js';
import { damageHeader } from '../../flow/flow-file/damage.js';
import { TestProcess } from '../../../kit/test-process.js';

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
  const inspecting = (state: ClaimState) => () => state;

  it('claiming a path puts the prepared file in place and leaves no temporary name', () => {
    claimPath(place.file('record'), prepared('mine'), inspecting({ kind: 'free' }));
    expect(readdirSync(place.path)).to.deep.equal(['record']);
  });

  it('a claim leaves a living owner’s file untouched and reports the owner', () => {
    writeFileSync(place.file('record'), 'theirs');
    const error = thrownBy(() =>
      claimPath(place.file('record'), prepared('mine'), inspecting({ kind: 'owned', pid: 42 })),
    );
    expect([error.code, error.facts]).to.deep.equal(['FILE_OWNED', { path: place.file('record'), pid: 42 }]);
    expect(readdirSync(place.path)).to.deep.equal(['record']);
    expect(readFileSync(place.file('record'), 'utf8')).to.equal('theirs');
  });

  it('a claim replaces the file of a dead owner', () => {
    writeFileSync(place.file('record'), 'theirs');
    claimPath(place.file('record'), prepared('mine'), inspecting({ kind: 'dead' }));
    expect(readFileSync(place.file('record'), 'utf8')).to.equal('mine');
  });

  it('a file is inspected again under the lock, so that a new owner’s file is never removed', () => {
    writeFileSync(place.file('record'), 'theirs');
    const states: ClaimState[] = [{ kind: 'dead' }, { kind: 'owned', pid: 7 }];
    const error = thrownBy(() => clearPath(place.file('record'), () => states.shift()!));
    expect(error.code).to.equal('FILE_OWNED');
    expect(readFileSync(place.file('record'), 'utf8')).to.equal('theirs');
  });

  it('a claim fails after 8 attempts when the path changes its owner at every attempt', () => {
    const path = place.file('record');
    writeFileSync(path, 'theirs');
    // The inspection finds no file, but a file exists whenever the claimant links its own.
    const error = thrownBy(() =>
      claimPath(path, prepared('mine'), () => {
        return { kind: 'free' };
      }),
    );
    expect(error.code).to.equal('FILE_OWNED');
    expect(error.message).to.contain('8 times');
  });

  it('releasing a path removes only the owner’s own file', () => {
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

  it('exactly one of several processes wins a path that is free or belongs to a dead owner', async function () {
    this.timeout(120_000);
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    const ofDeadOwner = place.create({ path: place.file('of-dead-owner') });
    damageHeader(ofDeadOwner, 'ownerPid', dead.pid!);
    for (let round = 0; round < ROUNDS; round += 1) {
      // In turn: no file, a dead owner's flow file, a file that is not a flow file.
      if (round % 3 === 1) linkSync(ofDeadOwner.path, place.file(`flow.${round}`));
      if (round % 3 === 2) writeFileSync(place.file(`flow.${round}`), 'rubbish');
    }
    for (let index = 0; index < CLAIMANTS; index += 1)
      processes.push(new TestProcess('test/fixtures/claimant', [place.file('flow'), String(ROUNDS)]));
    for (const claimant of processes) expect(await claimant.line()).to.equal('ready');
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const claimant of processes) claimant.writeLine('go');
      const outcomes = await Promise.all(processes.map((claimant) => claimant.line()));
      const winner = processes.find((_, index) => outcomes[index] === 'won');
      expect(outcomes.filter((outcome) => outcome !== 'won')).to.deep.equal(
        Array.from({ length: CLAIMANTS - 1 }, () => 'FILE_OWNED'),
      );
      expect(openFlowFile(place.file(`flow.${round}`), 'read').owner.pid).to.equal(winner?.pid);
    }
    expect(readdirSync(place.path).filter((name) => name.endsWith('.tmp'))).to.deep.equal([]);
  });

  it('a path belongs to its living owner and, once that is killed, to the next claimant', async () => {
    const first = new TestProcess('test/fixtures/claimant', [place.file('flow')]);
    processes.push(first);
    await first.line();
    first.writeLine('go');
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

  it('the claim lock is released when the action throws', () => {
    const path = place.file('lock');
    expect(() =>
      withLock(path, () => {
        throw new Error('failed action');
      }),
    ).to.throw('failed action');
    expect(withLock(path, () => 5)).to.equal(5);
    expect(readFileSync(path).subarray(0, 8).equals(Buffer.alloc(8))).to.equal(true);
  });

  it('the claim lock of a dead holder is taken over', async () => {
    const path = place.file('lock');
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    withLock(path, () => undefined);
    const word = Buffer.alloc(4096);
    word.writeBigUInt64LE((1234n << 22n) | BigInt(dead.pid!));
    writeFileSync(path, word);
    expect(withLock(path, () => 'mine')).to.equal('mine');
  });

  it('waiting for a claim lock that stays held ends with TIMED_OUT', () => {
    const path = place.file('lock');
    const error = thrownBy(() => withLock(path, () => withLock(path, () => 'never')));
    expect([error.code, error.facts]).to.deep.equal(['TIMED_OUT', { path, pid: process.pid }]);
  });
});
