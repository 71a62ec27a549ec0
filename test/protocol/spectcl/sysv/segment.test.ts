/** System V segments of the kernel: created, attached, removed. */
import { expect } from 'chai';
import type { MirrorflowError } from '../../../../protocol/base/errors.js';
import { ownIdentity } from '../../../../protocol/base/owner-identity.js';
import { sysvLibrary } from '../../../../protocol/spectcl/sysv/library.js';
import {
  attachSegment,
  createSegment,
  isLeftover,
  removeSegment,
} from '../../../../protocol/spectcl/sysv/segment.js';
import { skip } from '../../../kit/skip.js';

const BYTES = 64 * 1024;

describe('shared memory segments', function () {
  const library = sysvLibrary();
  const keys = [`T${process.pid % 10}a#`, `T${process.pid % 10}b#`];

  before(function () {
    if (library.kind === 'missing') skip(this, library.reason);
  });

  afterEach(() => {
    for (const key of keys) if (library.kind === 'available') removeSegment(key, process.pid);
  });

  it('a segment is created once under a key, and the next segment gets the next key', () => {
    const recorded: string[] = [];
    const first = createSegment(keys, BYTES, 0o600, (key) => recorded.push(key));
    const two = createSegment(keys, BYTES, 0o600, (key) => recorded.push(key));
    expect([first.key, two.key]).to.deep.equal(keys);
    expect(recorded).to.deep.equal(keys);
    expect(() => createSegment(keys, BYTES, 0o600, () => undefined)).to.throw(/all 2 memory keys/);
    first.detach();
    two.detach();
  });

  it('all attachments of a segment share its memory, and it is removed with its key', () => {
    const segment = createSegment(keys, BYTES, 0o600, () => undefined);
    expect(segment.memory.every((byte) => byte === 0)).to.equal(true);
    const attached = attachSegment(segment.key, BYTES, 'read');
    segment.memory.write('hello');
    expect(attached.memory.toString('latin1', 0, 5)).to.equal('hello');
    removeSegment(segment.key, process.pid);
    expect(attached.memory.toString('latin1', 0, 5)).to.equal('hello');
    expect(() => attachSegment(segment.key, BYTES, 'read')).to.throw(/there is none/);
    attached.detach();
    segment.detach();
  });

  it('attaching a segment that is too small is refused', () => {
    const segment = createSegment(keys, BYTES, 0o600, () => undefined);
    try {
      attachSegment(segment.key, BYTES + 1, 'read');
      expect.fail('it was attached');
    } catch (error) {
      expect((error as MirrorflowError).code).to.equal('NOT_A_MIRROR');
    }
    segment.detach();
  });

  it('a segment is removed only when the given process created it', () => {
    const segment = createSegment(keys, BYTES, 0o600, () => undefined);
    removeSegment(segment.key, process.pid + 1);
    attachSegment(segment.key, BYTES, 'read').detach();
    const creator = ownIdentity();
    expect(isLeftover({ key: segment.key, creator })).to.equal(false);
    // Another process had this number before: it has ended, and the kernel has the number for its
    // creator.
    expect(isLeftover({ key: segment.key, creator: { ...creator, startTicks: 1n } })).to.equal(true);
    expect(isLeftover({ key: segment.key, creator: { ...creator, pid: 1, startTicks: 1n } })).to.equal(false);
    segment.detach();
  });
});
