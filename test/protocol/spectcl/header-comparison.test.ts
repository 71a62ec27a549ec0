/** The comparison of display headers up to the last defined slot. Pure. */
import { expect } from 'chai';
import {
  DISPLAY_HEADER_BYTES,
  ENTRY_BYTES,
  entryOffset,
  type DisplayArray,
} from '../../../protocol/spectcl/display-memory.js';
import { isSameHeader } from '../../../protocol/spectcl/header-comparison.js';

const LAST_DEFINED = 7;

/** A header with two defined slots. */
function header(): Buffer {
  const memory = Buffer.alloc(DISPLAY_HEADER_BYTES);
  for (const slot of [2, LAST_DEFINED]) memory.writeInt32LE(4, entryOffset('types', slot));
  return memory;
}

describe('the comparison of display headers', () => {
  it('a change of any array up to the last defined slot makes another header', () => {
    for (const array of Object.keys(ENTRY_BYTES) as DisplayArray[]) {
      const changed = header();
      const last = entryOffset(array, LAST_DEFINED) + ENTRY_BYTES[array] - 1;
      changed[last] = (changed[last] ?? 0) + 1;
      expect(isSameHeader(header(), changed), array).to.equal(false);
    }
  });

  it('a spectrum that is defined or removed behind the others makes another header', () => {
    const defined = header();
    defined.writeInt32LE(5, entryOffset('types', 9_999));
    expect(isSameHeader(header(), defined)).to.equal(false);
    expect(isSameHeader(defined, header())).to.equal(false);
  });

  it('what free slots behind the last defined one hold makes no other header', () => {
    const changed = header();
    changed.write('removed', entryOffset('titles', LAST_DEFINED + 1));
    expect(isSameHeader(header(), changed)).to.equal(true);
    expect(isSameHeader(header(), header())).to.equal(true);
  });
});
