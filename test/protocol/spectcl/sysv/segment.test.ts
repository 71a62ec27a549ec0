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
    for (const key of keys) if (library.kind === 'there') removeSegment(key, process.pid);
  });

  it('are made once under a key: whoever comes second gets the next one', () => {
    const recorded: string[] = [];
    const one = createSegment(keys, BYTES, 0o600, (key) => recorded.push(key));
    const two = createSegment(keys, BYTES, 0o600, (key) => recorded.push(key));
    expect([one.key, two.key]).to.deep.equal(keys);
    expect(recorded).to.deep.equal(keys);
    expect(() => createSegment(keys, BYTES, 0o600, () => undefined)).to.throw(/all 2 memory keys/);
    one.detach();
    two.detach();
  });

  it('are one memory for all who attach, and gone with their key', () => {
    const made = createSegment(keys, BYTES, 0o600, () => undefined);
    expect(made.memory.every((byte) => byte === 0)).to.equal(true);
    const attached = attachSegment(made.key, BYTES, 'read');
    made.memory.write('hello');
    expect(attached.memory.toString('latin1', 0, 5)).to.equal('hello');
    removeSegment(made.key, process.pid);
    expect(attached.memory.toString('latin1', 0, 5)).to.equal('hello');
    expect(() => attachSegment(made.key, BYTES, 'read')).to.throw(/nobody has made it/);
    attached.detach();
    made.detach();
  });

  it('that are too small are not taken', () => {
    const made = createSegment(keys, BYTES, 0o600, () => undefined);
    try {
      attachSegment(made.key, BYTES + 1, 'read');
      expect.fail('it was attached');
    } catch (error) {
      expect((error as MirrorflowError).code).to.equal('NOT_A_MIRROR');
    }
    made.detach();
  });

  it('are removed only when they are of that very process', () => {
    const made = createSegment(keys, BYTES, 0o600, () => undefined);
    removeSegment(made.key, process.pid + 1);
    attachSegment(made.key, BYTES, 'read').detach();
    const creator = ownIdentity();
    expect(isLeftover({ key: made.key, creator })).to.equal(false);
    // Another process had this number before: it has ended, and the kernel has the number for its
    // creator.
    expect(isLeftover({ key: made.key, creator: { ...creator, startTicks: 1n } })).to.equal(true);
    expect(isLeftover({ key: made.key, creator: { ...creator, pid: 1, startTicks: 1n } })).to.equal(false);
    made.detach();
  });
});
