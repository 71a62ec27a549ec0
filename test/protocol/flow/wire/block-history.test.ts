/** Which blocks of a mirror changed with which publication. Pure. */
import { expect } from 'chai';
import { IMAGE_BLOCK_BYTES } from '../../../../protocol/flow/flow-file/image.js';
import { BlockHistory } from '../../../../protocol/flow/wire/block-history.js';

describe('the history of the blocks of a mirror', () => {
  const bytes = 5 * IMAGE_BLOCK_BYTES;

  it('a change marks every block that it touches, and no other', () => {
    const history = new BlockHistory(bytes);
    history.record(0, [], bytes);
    expect([...history.changed]).to.deep.equal([1, 1, 1, 1, 1]);
    history.record(7, [[IMAGE_BLOCK_BYTES, 2 * IMAGE_BLOCK_BYTES]], bytes);
    history.record(8, [[3 * IMAGE_BLOCK_BYTES - 1, 3 * IMAGE_BLOCK_BYTES + 1]], bytes);
    expect([...history.changed]).to.deep.equal([1, 8, 9, 9, 1]);
    history.record(9, [[0, 1]], bytes);
    expect([...history.changed]).to.deep.equal([10, 8, 9, 9, 1]);
  });

  it('what a change of the size adds or removes has changed', () => {
    const history = new BlockHistory(bytes);
    history.record(0, [], 2 * IMAGE_BLOCK_BYTES);
    expect([...history.changed]).to.deep.equal([1, 1, 0, 0, 0]);
    history.record(1, [], 3 * IMAGE_BLOCK_BYTES + 1);
    expect([...history.changed]).to.deep.equal([1, 1, 2, 2, 0]);
    history.record(2, [], 3 * IMAGE_BLOCK_BYTES);
    expect([...history.changed]).to.deep.equal([1, 1, 2, 3, 0]);
  });

  it('of the publications of a predecessor every block may have changed', () => {
    expect([...new BlockHistory(IMAGE_BLOCK_BYTES + 1, 4).changed]).to.deep.equal([4, 4]);
  });
});
