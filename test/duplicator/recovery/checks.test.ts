/** The repair of a dead duplicator's file while its provider lives and publishes. */
import { expect } from 'chai';
import { checkFile } from '../../../duplicator/recovery/checks.js';
import { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { DeadFile } from './dead-file.js';

describe('the repair of a flow file whose provider lives', () => {
  let dead: DeadFile;
  afterEach(() => dead.remove());

  /** Commits two buffers without publishing them, and returns their repair. */
  function findRepair(): () => string {
    dead = new DeadFile(6);
    dead.commit();
    dead.commit();
    const repairs = checkFile(dead.file).flatMap(({ repair }) => repair ?? []);
    expect(repairs).to.have.length(1);
    return repairs[0]!;
  }

  it('never sets back what the provider publishes at the same time', () => {
    const repair = findRepair();
    // The provider publishes one more buffer right after any look at the count.
    const { file, ring } = dead;
    Object.defineProperty(file, 'published', {
      configurable: true,
      get: () => {
        const published = Reflect.get(FlowFile.prototype, 'published', file) as number;
        dead.commit();
        Reflect.set(FlowFile.prototype, 'published', ring.next, file);
        return published;
      },
      set(count: number) {
        Reflect.set(FlowFile.prototype, 'published', count, file);
      },
    });
    const before = dead.file.published; // 6: the provider publishes 9 behind this look
    expect(repair()).to.contain('the running provider published more itself');
    Reflect.deleteProperty(file, 'published');
    expect([before, file.published]).to.deep.equal([6, ring.next]);
  });

  it('publishes the whole buffers in one step while the provider publishes nothing', () => {
    expect(findRepair()()).to.contain('2 more whole buffers were published');
    expect(dead.file.published).to.equal(8);
  });
});
