/**
 * The quick check of a dead owner's file before the recovery program is started: it reports what a
 * verification reports, or nothing.
 */
import { readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { expect } from 'chai';
import { verify } from '../../../duplicator/recovery/examine.js';
import { inspectDeadFile } from '../../../duplicator/recovery/dead-file.js';
import { HEADER_BYTES } from '../../../protocol/flow/flow-file/layout.js';
import { ownIdentity } from '../../../protocol/base/owner-identity.js';
import { DeadFile, SLOTS } from './dead-file.js';
import { damageHeader } from '../../protocol/flow/flow-file/damage.js';

/** So many slots make a file too large to be read whole: its slots are read one by one. */
const MANY_SLOTS = 1_024;

describe('inspectDeadFile', () => {
  let dead: DeadFile;
  afterEach(() => dead.remove());

  const sound: readonly (readonly [string, () => DeadFile])[] = [
    ['empty file', () => new DeadFile(0)],
    ['file whose ring was filled once', () => new DeadFile(SLOTS)],
    ['file whose ring was filled several times', () => new DeadFile(3 * SLOTS + 1)],
    ['file of many slots', () => new DeadFile(MANY_SLOTS + 7, { slotCount: MANY_SLOTS })],
    ['mirror file', () => DeadFile.mirror(6, 6)],
    ['mirror file whose link was cut', () => DeadFile.mirrorWithGap(6, 6, 2, true)],
  ];
  for (const [what, make] of sound) {
    it(`a sound ${what} gets the report of a verification and is not changed`, () => {
      dead = make();
      dead.file.granted = dead.file.published + dead.file.geometry.slotCount;
      const before = readFileSync(dead.path);
      expect(verify(dead.path).verdict).to.equal('sound');
      expect(inspectDeadFile(dead.path)).to.deep.equal(verify(dead.path));
      expect(readFileSync(dead.path).equals(before)).to.equal(true);
    });
  }

  it('a slot that was being written is no damage', () => {
    dead = new DeadFile(6);
    dead.ring.begin().fill(99);
    expect(inspectDeadFile(dead.path)?.findings).to.deep.equal(verify(dead.path).findings);
  });

  const others: readonly (readonly [string, (file: DeadFile) => void])[] = [
    ['with unpublished whole buffers', (file) => file.commit()],
    ['with a slot of another sequence', (file) => file.setSlot(4, 'sequence', 999)],
    ['with an invalid source state', (file) => damageHeader(file.file, 'sourceState', 77)],
    ['with impossible credit', (file) => (file.file.granted = 100)],
    ['without a header', (file) => file.overwrite(0, Buffer.from('not mirrorflow'))],
    ['of another layout version', (file) => damageHeader(file.file, 'version', 3)],
    ['that is truncated', (file) => file.truncate(HEADER_BYTES + 100)],
    ['without a byte', (file) => file.truncate(0)],
    ['of a living owner', (file) => damageHeader(file.file, 'ownerStartTicks', Number(ownIdentity().startTicks))],
    ['behind a symbolic link', (file) => {
      renameSync(file.path, `${file.path}.moved`);
      symlinkSync(`${file.path}.moved`, file.path);
    }],
    ['that does not exist', (file) => rmSync(file.path)],
  ]; // prettier-ignore
  for (const [what, damage] of others) {
    it(`a file ${what} is left to the recovery program`, () => {
      dead = new DeadFile(6);
      damage(dead);
      expect(inspectDeadFile(dead.path)).to.equal(undefined);
    });
  }

  it('a file of many slots, one with another sequence, is left to the recovery program', () => {
    dead = new DeadFile(MANY_SLOTS, { slotCount: MANY_SLOTS });
    dead.setSlot(MANY_SLOTS - 1, 'sequence', 7);
    expect(inspectDeadFile(dead.path)).to.equal(undefined);
  });

  it('a mirror file with an old or unfinished image is left to the recovery program', () => {
    dead = DeadFile.mirror(6, 5);
    expect(inspectDeadFile(dead.path)).to.equal(undefined);
    dead.remove();
    dead = DeadFile.mirror(6, 6);
    dead.file.imageGeneration = 3;
    expect(inspectDeadFile(dead.path)).to.equal(undefined);
  });
});
