/**
 * The look that a successor takes at a dead owner's file before it asks the recovery program: it
 * sees what a verification sees, or says nothing.
 */
import { readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { expect } from 'chai';
import { verify } from '../../../duplicator/recovery/examine.js';
import { inspectDeadFile } from '../../../duplicator/recovery/dead-file.js';
import { HEADER_BYTES } from '../../../protocol/flow/flow-file/layout.js';
import { ownIdentity } from '../../../protocol/base/owner-identity.js';
import { DeadFile, SLOTS } from './dead-file.js';
import { damageHeader } from '../../protocol/flow/flow-file/damage.js';

/** With it a file has more bytes than are read at once, and its slots are read one by one. */
const MANY_SLOTS = 1_024;

describe('the first look at the file of a dead owner', () => {
  let dead: DeadFile;
  afterEach(() => dead.remove());

  const sound: readonly (readonly [string, () => DeadFile])[] = [
    ['that is empty', () => new DeadFile(0)],
    ['that was filled once', () => new DeadFile(SLOTS)],
    ['that was filled again and again', () => new DeadFile(3 * SLOTS + 1)],
    ['of many slots', () => new DeadFile(MANY_SLOTS + 7, { slotCount: MANY_SLOTS })],
    ['of a mirror', () => DeadFile.mirror(6, 6)],
    ['of a mirror whose link was cut', () => DeadFile.mirrorWithGap(6, 6, 2, true)],
  ];
  for (const [what, make] of sound) {
    it(`says of a sound one ${what} what a verification says, and changes nothing`, () => {
      dead = make();
      dead.file.granted = dead.file.published + dead.file.geometry.slotCount;
      const before = readFileSync(dead.path);
      expect(verify(dead.path).verdict).to.equal('sound');
      expect(inspectDeadFile(dead.path)).to.deep.equal(verify(dead.path));
      expect(readFileSync(dead.path).equals(before)).to.equal(true);
    });
  }

  it('takes a slot that was being written for what it is', () => {
    dead = new DeadFile(6);
    dead.ring.begin().fill(99);
    expect(inspectDeadFile(dead.path)?.findings).to.deep.equal(verify(dead.path).findings);
  });

  const others: readonly (readonly [string, (file: DeadFile) => void])[] = [
    ['whole buffers behind the published word', (file) => file.commit()],
    ['a slot that holds another sequence', (file) => file.setSlot(4, 'sequence', 999)],
    ['no state of a source', (file) => damageHeader(file.file, 'sourceState', 77)],
    ['credit that cannot be', (file) => (file.file.granted = 100)],
    ['no header', (file) => file.overwrite(0, Buffer.from('not mirrorflow'))],
    ['another layout version', (file) => damageHeader(file.file, 'version', 2)],
    ['its end cut off', (file) => file.truncate(HEADER_BYTES + 100)],
    ['no byte', (file) => file.truncate(0)],
    ['a living owner', (file) => damageHeader(file.file, 'ownerStartTicks', Number(ownIdentity().startTicks))],
    ['a symbolic link to it', (file) => {
      renameSync(file.path, `${file.path}.moved`);
      symlinkSync(`${file.path}.moved`, file.path);
    }],
    ['gone', (file) => rmSync(file.path)],
  ]; // prettier-ignore
  for (const [what, wound] of others) {
    it(`leaves to the recovery program one that has or is: ${what}`, () => {
      dead = new DeadFile(6);
      wound(dead);
      expect(inspectDeadFile(dead.path)).to.equal(undefined);
    });
  }

  it('leaves to it a slot among many that holds another sequence', () => {
    dead = new DeadFile(MANY_SLOTS, { slotCount: MANY_SLOTS });
    dead.setSlot(MANY_SLOTS - 1, 'sequence', 7);
    expect(inspectDeadFile(dead.path)).to.equal(undefined);
  });

  it('leaves to it a mirror whose image is not of the newest publication, or was being written', () => {
    dead = DeadFile.mirror(6, 5);
    expect(inspectDeadFile(dead.path)).to.equal(undefined);
    dead.remove();
    dead = DeadFile.mirror(6, 6);
    dead.file.imageGeneration = 3;
    expect(inspectDeadFile(dead.path)).to.equal(undefined);
  });
});
