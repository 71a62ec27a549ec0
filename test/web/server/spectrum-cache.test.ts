/** Counts are copied when they change, and only then. */
import { expect } from 'chai';
import { DISPLAY_HEADER_BYTES, writeBinding } from '../../../protocol/spectcl/display-memory.js';
import { SpectrumCache } from '../../../web/server/spectrum-cache.js';

function memory(): Buffer {
  const bytes = Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096);
  writeBinding(bytes, 3, { name: 'a', type: 4, xchans: 8, ychans: 1, channelOffset: 0, xmin: 0, xmax: 8 });
  writeBinding(bytes, 5, { name: 'b', type: 1, xchans: 4, ychans: 4, channelOffset: 64, xmin: 0, xmax: 4 });
  return bytes;
}

describe('the shelf of spectra that pages look at', () => {
  it('holds a copy that changes with publications only', () => {
    const shelf = new SpectrumCache();
    const bytes = memory();
    const held = shelf.acquire('a');
    expect(shelf.hasUnreadSpectrum).to.equal(true);
    expect(shelf.commit(shelf.compare(bytes))).to.equal(true);
    expect(shelf.hasUnreadSpectrum).to.equal(false);
    bytes.writeUInt32LE(7, DISPLAY_HEADER_BYTES);
    expect(held.counts[0]).to.equal(0);
    const { version } = held;
    // A second run over the same publication, as a reader that was overtaken does it, changes
    // nothing more.
    shelf.compare(bytes);
    expect(shelf.commit(shelf.compare(bytes))).to.equal(true);
    expect(held.counts[0]).to.equal(7);
    expect(held.version).to.equal(version + 1);
    expect(shelf.commit(shelf.compare(bytes))).to.equal(false);
    expect(held.version).to.equal(version + 1);
  });

  it('follows a spectrum into another slot, and says when it has gone and come back', () => {
    const shelf = new SpectrumCache();
    const held = shelf.acquire('a');
    shelf.commit(shelf.compare(memory()));
    const moved = Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096);
    writeBinding(moved, 9, { name: 'a', type: 4, xchans: 4, ychans: 1, channelOffset: 10, xmin: 0, xmax: 8 });
    shelf.commit(shelf.compare(moved));
    expect(held.binding?.slot).to.equal(9);
    expect(held.counts).to.have.length(4);
    shelf.commit(shelf.compare(Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096)));
    expect(held.binding).to.equal(undefined);
    shelf.commit(shelf.compare(moved));
    expect(held.binding?.slot).to.equal(9);
  });

  it('keeps byte spectra apart from the memory they came from', () => {
    const shelf = new SpectrumCache();
    const bytes = memory();
    const held = shelf.acquire('b');
    shelf.commit(shelf.compare(bytes));
    bytes[DISPLAY_HEADER_BYTES + 64] = 9;
    expect(held.counts[0]).to.equal(0);
    expect(held.counts).to.have.length(16);
  });

  it('remembers once a second and forgets what nobody looked at for a minute', () => {
    const shelf = new SpectrumCache();
    const held = shelf.acquire('a');
    shelf.commit(shelf.compare(memory()));
    expect(shelf.recordHistory(0)).to.equal(true);
    expect(shelf.recordHistory(500)).to.equal(false);
    expect(shelf.recordHistory(1_000)).to.equal(true);
    shelf.release('a', 1_000);
    shelf.recordHistory(30_000);
    expect(shelf.acquire('a')).to.equal(held);
    shelf.release('a', 31_000);
    shelf.recordHistory(120_000);
    expect(shelf.acquire('a')).to.not.equal(held);
  });
});
