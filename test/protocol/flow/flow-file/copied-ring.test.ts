/** The copy of a removed flow file, whose provider wrote on meanwhile. With real files. */
import { closeSync, copyFileSync, openSync } from 'node:fs';
import { expect } from 'chai';
import { judge } from '../../../../duplicator/recovery/examine.js';
import { clearUnpublished } from '../../../../protocol/flow/flow-file/copied-ring.js';
import type { FlowFile } from '../../../../protocol/flow/flow-file/flow-file.js';
import { openFlowFile } from '../../../../protocol/flow/flow-file/open.js';
import { RingWriter } from '../../../../protocol/flow/flow-file/ring-writer.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';
import { smallFlowFile } from '../../../duplicator/recovery/small-flow-file.js';

describe('the ring of a copied flow file', () => {
  let directory: TemporaryDirectory;
  let file: FlowFile;
  let writer: RingWriter;

  beforeEach(() => {
    directory = new TemporaryDirectory();
    file = smallFlowFile(directory.path);
    writer = new RingWriter(file);
    file.granted = 4;
  });
  afterEach(() => directory.remove());

  /** Commits buffers with credit, without publishing them. */
  function commit(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      file.claimed = Math.max(file.claimed, writer.next + 1);
      writer.begin();
      writer.commit(1, 0);
    }
  }

  /** A copy, settled as the file is when `meanwhile` has returned. */
  function copy(meanwhile: () => void): FlowFile {
    const path = directory.file('copy');
    copyFileSync(file.path, path);
    meanwhile();
    const descriptors = [openSync(file.path, 'r'), openSync(path, 'r+')] as const;
    clearUnpublished(...descriptors, file.geometry);
    for (const descriptor of descriptors) closeSync(descriptor);
    return openFlowFile(path, 'read-write');
  }

  const words = (one: FlowFile): number[] => [0, 1, 2, 3].map((slot) => one.slotWord(slot));

  it('what was published is kept, what was only committed is cleared', () => {
    commit(2);
    writer.publish();
    commit(1);
    const copied = copy(() => undefined);
    expect([words(copied), copied.published, copied.claimed]).to.deep.equal([[1, 2, 0, 0], 2, 3]);
    expect(words(file)).to.deep.equal([1, 2, 3, 0]);
  });

  it('slots that were claimed meanwhile are cleared, and the ring is sound', () => {
    commit(4);
    writer.publish();
    file.granted = 7;
    const copied = copy(() => {
      commit(1); // in the slot of sequence 0
      writer.publish();
      file.claimed = 6; // and one that is being written, in the slot of sequence 1
    });
    expect([words(copied), copied.published, copied.claimed]).to.deep.equal([[0, 0, 3, 4], 4, 6]);
    const sequences = judge(copied).findings.find(({ check }) => check === 'sequences');
    expect(sequences?.state).to.equal('sound');
  });

  it('a claim beyond the credit clears nothing: a consumer may need what is there', () => {
    commit(4);
    writer.publish();
    file.granted = 5;
    file.claimed = 7;
    expect(words(copy(() => undefined))).to.deep.equal([0, 2, 3, 4]);
  });

  it('counts that no provider writes clear one ring at most', () => {
    commit(4);
    writer.publish();
    file.granted = 2 ** 40;
    file.claimed = 2 ** 40;
    const copied = copy(() => undefined);
    expect([words(copied), copied.claimed]).to.deep.equal([[0, 0, 0, 0], 2 ** 40]);
  });
});
