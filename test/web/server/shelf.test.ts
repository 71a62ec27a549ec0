/** Counts are copied when they change, and only then. */
import { expect } from 'chai';
import { DISPLAY_HEADER_BYTES } from '../../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../../protocol/spectcl/display-writer.js';
import { SpectrumShelf } from '../../../web/server/shelf.js';

function memory(): Buffer {
  const bytes = Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096);
  writeBinding(bytes, 3, { name: 'a', type: 4, xchans: 8, ychans: 1, channelOffset: 0, xmin: 0, xmax: 8 });
  writeBinding(bytes, 5, { name: 'b', type: 1, xchans: 4, ychans: 4, channelOffset: 64, xmin: 0, xmax: 4 });
  return bytes;
}

describe('the shelf of spectra that pages look at', () => {
  it('holds a copy that changes with publications only', () => {
    const shelf = new SpectrumShelf();
    const bytes = memory();
    const held = shelf.want('a');
    expect(shelf.hasUnread).to.equal(true);
    expect(shelf.commit(shelf.compare(bytes))).to.equal(true);
    expect(shelf.hasUnread).to.equal(false);
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
    const shelf = new SpectrumShelf();
    const held = shelf.want('a');
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
    const shelf = new SpectrumShelf();
    const bytes = memory();
    const held = shelf.want('b');
    shelf.commit(shelf.compare(bytes));
    bytes[DISPLAY_HEADER_BYTES + 64] = 9;
    expect(held.counts[0]).to.equal(0);
    expect(held.counts).to.have.length(16);
  });

  it('remembers once a second and forgets what nobody looked at for a minute', () => {
    const shelf = new SpectrumShelf();
    const held = shelf.want('a');
    shelf.commit(shelf.compare(memory()));
    expect(shelf.remember(0)).to.equal(true);
    expect(shelf.remember(500)).to.equal(false);
    expect(shelf.remember(1_000)).to.equal(true);
    shelf.release('a', 1_000);
    shelf.remember(30_000);
    expect(shelf.want('a')).to.equal(held);
    shelf.release('a', 31_000);
    shelf.remember(120_000);
    expect(shelf.want('a')).to.not.equal(held);
  });
});
