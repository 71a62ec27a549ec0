/**
 * Checks and repairs of flow files with every kind of damage: findings, verdicts, what is changed.
 */
import { readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { repair, verify } from '../../../duplicator/recovery/examine.js';
import { withLock } from '../../../protocol/base/files/claim-lock.js';
import { LOCK_NAME } from '../../../protocol/base/files/claim.js';
import { ownIdentity } from '../../../protocol/base/owner-identity.js';
import type { RecoveryReport } from '../../../protocol/host/recovery/report.js';
import { reportLines } from '../../../protocol/host/recovery/report.js';
import { HEADER_BYTES } from '../../../protocol/flow/flow-file/layout.js';
import { RingReader } from '../../../protocol/flow/flow-file/ring-reader.js';
import { TestProcess } from '../../kit/test-process.js';
import { CAPACITY, DeadFile, SLOTS } from './dead-file.js';
import { HEADER_WORDS, damageHeader } from '../../protocol/flow/flow-file/damage.js';

const finding = (report: RecoveryReport, check: string): string => {
  const one = report.findings.find((candidate) => candidate.check === check);
  return one === undefined ? 'none' : `${one.state}: ${one.text}`;
};

/** Files that a process maps; empty while it starts. */
function mapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'latin1');
  } catch {
    return '';
  }
}

describe('the recovery of a flow file', () => {
  let dead: DeadFile;
  afterEach(() => dead.remove());

  for (const published of [0, 1, 3, SLOTS, SLOTS + 1, 3 * SLOTS]) {
    it(`a file with ${published} published buffers is sound, and no byte of it is changed`, () => {
      dead = new DeadFile(published);
      const before = readFileSync(dead.path);
      expect(verify(dead.path)).to.deep.include({ verdict: 'sound' });
      expect(repair(dead.path).verdict).to.equal('sound');
      expect(readFileSync(dead.path).equals(before)).to.equal(true);
    });
  }

  it('a report has flow, owner and counts, as JSON and in words', () => {
    dead = new DeadFile(6);
    const report = verify(dead.path);
    expect(report.owner).to.deep.equal({ pid: process.pid, alive: false });
    expect(report.flow).to.deep.equal({
      application: 'test',
      flow: 'events',
      type: 'bytes',
      epoch: 7,
      published: 6,
      buffers: SLOTS,
      bufferSize: CAPACITY,
      mirror: false,
    });
    const words = reportLines(report).join('\n');
    for (const part of ['sound', 'test/events', '6 published', 'dead', 'sequences', 'credit'])
      expect(words).to.contain(part);
  });

  it('a slot that was being written is no damage', () => {
    dead = new DeadFile(6);
    dead.ring.begin().fill(99);
    const report = repair(dead.path);
    expect(report.verdict).to.equal('sound');
    expect(finding(report, 'sequences')).to.contain('1 slots were being written');
  });

  it('a repair publishes the whole buffers that were not published, and no others', () => {
    dead = new DeadFile(6);
    dead.commit();
    dead.commit();
    dead.ring.begin();
    expect(verify(dead.path).verdict).to.equal('repairable');
    expect(dead.file.published).to.equal(6);
    expect(repair(dead.path).verdict).to.equal('repaired');
    expect(dead.file.published).to.equal(8);
    expect(verify(dead.path).verdict).to.equal('sound');
    const reader = new RingReader(dead.file, 7);
    expect([reader.peek(), reader.view()[0]]).to.deep.equal(['ready', 8]);
  });

  const damages: readonly (readonly [string, string, (file: DeadFile) => void])[] = [
    ['a slot that holds another sequence', 'sequences', (file) => file.setSlot(4, 'sequence', 999)],
    ['a hole in what was published', 'sequences', (file) => file.setSlot(4, 'sequence', 0)],
    ['a size larger than a slot', 'sequences', (file) => file.setSlot(4, 'size', CAPACITY + 1)],
    ['more slots open than the provider had claimed', 'sequences', (file) => file.setSlot(6, 'sequence', 0)],
    ['a published word that is too small', 'sequences', (file) => (file.file.published = 1)],
    ['a published word that is too large', 'sequences', (file) => (file.file.published = 9)],
    ['impossible credit', 'credit', (file) => (file.file.granted = 100)],
    ['an impossible claim', 'credit', (file) => (file.file.claimed = 100)],
    ['an invalid header', 'header', (file) => file.overwrite(0, Buffer.from('not mirrorflow'))],
    ['another layout version', 'header', (file) => damageHeader(file.file, 'version', 3)],
    ['an invalid identity', 'header', (file) => damageHeader(file.file, 'identity', 0x7d)],
    ['an epoch of 0', 'header', (file) => (file.file.epoch = 0)],
    ['an invalid stride', 'header', (file) => damageHeader(file.file, 'slotStride', 64)],
    ['its end cut off', 'header', (file) => file.truncate(HEADER_BYTES + 100)],
    ['no byte', 'header', (file) => file.truncate(0)],
  ];
  for (const [what, check, damage] of damages) {
    it(`a file with ${what} is to be replaced, and not changed`, () => {
      dead = new DeadFile(6);
      if (what.startsWith('more slots')) dead.file.lowerClaimed(6);
      damage(dead);
      const before = readFileSync(dead.path);
      const report = repair(dead.path);
      expect(report.verdict).to.equal('replace');
      expect(finding(report, check)).to.match(/^unsound: ./);
      expect(readFileSync(dead.path).equals(before)).to.equal(true);
    });
  }

  it('a repair makes an invalid source state stale', () => {
    dead = new DeadFile(2);
    damageHeader(dead.file, 'sourceState', 77);
    expect(repair(dead.path).verdict).to.equal('repaired');
    expect(dead.file.sourceState).to.equal('stale');
  });

  it('a file from before the last boot is to be replaced', () => {
    dead = new DeadFile(2);
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const at = readFileSync(dead.path).indexOf(boot);
    dead.overwrite(at, Buffer.from('0'));
    const report = verify(dead.path);
    expect([report.verdict, finding(report, 'owner')[0]]).to.deep.equal(['replace', 'u']);
  });

  it('the file of a living owner is not changed', () => {
    dead = new DeadFile(6);
    dead.commit();
    const own = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ')[19];
    damageHeader(dead.file, 'ownerStartTicks', Number(own));
    expect(repair(dead.path).verdict).to.equal('owned');
    expect(dead.file.published).to.equal(6);
    expect(verify(dead.path)).to.deep.include({ verdict: 'sound' });
  });

  it('a file that gets an owner while a repair waits for its turn is not changed', async () => {
    dead = new DeadFile(6);
    dead.commit();
    const lock = join(dirname(dead.path), LOCK_NAME);
    const repairing = withLock(lock, () => {
      const recovery = new TestProcess('duplicator/recovery/main', ['repair', dead.path, '--json']);
      const cell = new Int32Array(new SharedArrayBuffer(4));
      // It maps the lock when it has verified the file.
      while (!mapsOf(recovery.pid).includes(lock)) Atomics.wait(cell, 0, 0, 1);
      dead.file.ownedBy(ownIdentity());
      return recovery;
    });
    await repairing.end();
    expect((JSON.parse(repairing.output) as RecoveryReport).verdict).to.equal('owned');
    expect(dead.file.published).to.equal(6);
  });

  it('a missing file is reported as missing, and a symbolic link is not followed', () => {
    dead = new DeadFile(2);
    const moved = `${dead.path}.moved`;
    renameSync(dead.path, moved);
    expect(verify(dead.path).verdict).to.equal('missing');
    symlinkSync(moved, dead.path);
    expect(repair(dead.path).verdict).to.equal('replace');
    rmSync(moved);
  });

  describe('of a mirror', () => {
    it('a repair completes a mirror image that was being written', () => {
      dead = DeadFile.mirror(6, 5);
      dead.file.imageGeneration = 3;
      expect(repair(dead.path).verdict).to.equal('repaired');
      expect(readFileSync(dead.image).equals(Buffer.alloc(CAPACITY, 6))).to.equal(true);
      expect(dead.file.imageGeneration).to.equal(4);
      expect(dead.file.imageApplied).to.equal(6);
      expect(verify(dead.path).verdict).to.equal('sound');
    });

    it('a repair applies the newest publication to an older mirror image', () => {
      dead = DeadFile.mirror(6, 5);
      expect(repair(dead.path).verdict).to.equal('repaired');
      expect(readFileSync(dead.image)[0]).to.equal(6);
    });

    it('a repair applies a publication that it publishes itself to the mirror image', () => {
      dead = DeadFile.mirror(6, 6);
      dead.commit();
      expect(repair(dead.path).verdict).to.equal('repaired');
      expect(readFileSync(dead.image)[0]).to.equal(7);
      expect(verify(dead.path).verdict).to.equal('sound');
    });

    for (const lost of [1, SLOTS - 1, SLOTS, 3 * SLOTS]) {
      it(`a mirror image is sound when the ${lost} publications after it were lost between hosts`, () => {
        dead = DeadFile.mirrorWithGap(6, 6, lost, true);
        const before = readFileSync(dead.image);
        expect(verify(dead.path).verdict).to.equal('sound');
        expect(finding(repair(dead.path), 'image')).to.match(
          /^sound: .*of sequence 5; later publications were lost/,
        );
        expect(readFileSync(dead.image).equals(before)).to.equal(true);
        expect(dead.file.imageApplied).to.equal(6);
      });
    }

    it('a repair publishes the marks of lost publications and keeps the mirror image', () => {
      dead = DeadFile.mirrorWithGap(6, 6, 2, false);
      expect(repair(dead.path).verdict).to.equal('repaired');
      expect(dead.file.published).to.equal(8);
      expect(verify(dead.path).verdict).to.equal('sound');
      expect(readFileSync(dead.image)[0]).to.equal(6);
    });

    it('a repair completes a mirror image from the last publication before a gap', () => {
      dead = DeadFile.mirrorWithGap(6, 5, 2, true);
      dead.file.imageGeneration = 3;
      expect(repair(dead.path).verdict).to.equal('repaired');
      expect(readFileSync(dead.image).equals(Buffer.alloc(CAPACITY, 6))).to.equal(true);
      expect(dead.file.imageApplied).to.equal(6);
      expect(verify(dead.path).verdict).to.equal('sound');
    });

    it('an unfinished mirror image whose publication left the ring has its flow file replaced', () => {
      dead = DeadFile.mirrorWithGap(6, 6, SLOTS, true);
      dead.file.imageGeneration = 3;
      expect(repair(dead.path).verdict).to.equal('replace');
    });

    it('a mirror image of a lost publication has its flow file replaced', () => {
      dead = DeadFile.mirrorWithGap(6, 6, 3, true);
      dead.file.imageApplied = 8;
      expect(repair(dead.path).verdict).to.equal('replace');
    });

    for (const [what, damage] of [
      ['missing', (file: DeadFile) => rmSync(file.image)],
      ['of another size', (file: DeadFile) => writeFileSync(file.image, 'x')],
      ['of an impossible sequence', (file: DeadFile) => (file.file.imageApplied = 9)],
    ] as const) {
      it(`a mirror image that is ${what} has its flow file replaced`, () => {
        dead = DeadFile.mirror(6, 6);
        damage(dead);
        expect(repair(dead.path).verdict).to.equal('replace');
      });
    }
  });

  it('verifications and repairs leave no descriptor open', () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    dead = DeadFile.mirror(6, 5);
    repair(dead.path);
    const before = descriptors();
    for (let count = 0; count < 3; count += 1) {
      dead.file.imageGeneration = 3;
      expect(verify(dead.path).verdict).to.equal('repairable');
      expect(repair(dead.path).verdict).to.equal('repaired');
    }
    expect(descriptors()).to.equal(before);
  });

  it('a repair never makes a file unsound and never throws, whatever words are damaged', () => {
    dead = new DeadFile(0);
    fc.assert(
      fc.property(
        fc.nat(3 * SLOTS),
        fc.array(fc.tuple(fc.constantFrom(...HEADER_WORDS), fc.oneof(fc.nat(12), fc.nat(0xffffffff))), {
          maxLength: 3,
        }),
        fc.array(fc.tuple(fc.nat(SLOTS - 1), fc.nat(3 * SLOTS)), { maxLength: 3 }),
        (published, header, slots) => {
          dead.remove();
          dead = new DeadFile(published);
          for (const [field, value] of header) damageHeader(dead.file, field, value);
          for (const [slot, value] of slots) dead.setSlot(slot, 'sequence', value);
          const report = repair(dead.path);
          expect(report.verdict).to.be.oneOf(['sound', 'repaired', 'replace', 'owned']);
          if (report.verdict === 'repaired') expect(verify(dead.path).verdict).to.equal('sound');
        },
      ),
      { numRuns: 150 },
    );
  });
});
