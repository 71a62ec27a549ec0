/** The cache copies counts when they change, and only then. */
import { expect } from 'chai';
import { DISPLAY_HEADER_BYTES } from '../../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../../protocol/spectcl/display-writer.js';
import { SpectrumCache } from '../../../web/server/spectrum-cache.js';

function memory(): Buffer {
  const bytes = Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096);
  writeBinding(bytes, 3, { name: 'a', type: 4, xchans: 8, ychans: 1, channelOffset: 0, xmin: 0, xmax: 8 });
  writeBinding(bytes, 5, { name: 'b', type: 1, xchans: 4, ychans: 4, channelOffset: 64, xmin: 0, xmax: 4 });
  return bytes;
}

describe('the cache of spectra that pages show', () => {
  it('a cached spectrum changes only with a commit', () => {
    const cache = new SpectrumCache();
    const bytes = memory();
    const spectrum = cache.acquire('a');
    expect(cache.hasUnreadSpectrum).to.equal(true);
    expect(cache.commit(cache.compare(bytes))).to.equal(true);
    expect(cache.hasUnreadSpectrum).to.equal(false);
    bytes.writeUInt32LE(7, DISPLAY_HEADER_BYTES);
    expect(spectrum.counts[0]).to.equal(0);
    const { version } = spectrum;
    // The reader repeats a comparison when the writer overtook it; only the commit counts.
    cache.compare(bytes);
    expect(cache.commit(cache.compare(bytes))).to.equal(true);
    expect(spectrum.counts[0]).to.equal(7);
    expect(spectrum.version).to.equal(version + 1);
    expect(cache.commit(cache.compare(bytes))).to.equal(false);
    expect(spectrum.version).to.equal(version + 1);
  });

  it('a cached spectrum follows its binding into another slot, and is undefined while unbound', () => {
    const cache = new SpectrumCache();
    const spectrum = cache.acquire('a');
    cache.commit(cache.compare(memory()));
    const moved = Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096);
    writeBinding(moved, 9, { name: 'a', type: 4, xchans: 4, ychans: 1, channelOffset: 10, xmin: 0, xmax: 8 });
    cache.commit(cache.compare(moved));
    expect(spectrum.binding?.slot).to.equal(9);
    expect(spectrum.counts).to.have.length(4);
    cache.commit(cache.compare(Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096)));
    expect(spectrum.binding).to.equal(undefined);
    cache.commit(cache.compare(moved));
    expect(spectrum.binding?.slot).to.equal(9);
  });

  it('the counts of a byte spectrum are a copy of the display memory', () => {
    const cache = new SpectrumCache();
    const bytes = memory();
    const spectrum = cache.acquire('b');
    cache.commit(cache.compare(bytes));
    bytes[DISPLAY_HEADER_BYTES + 64] = 9;
    expect(spectrum.counts[0]).to.equal(0);
    expect(spectrum.counts).to.have.length(16);
  });

  it('the history grows once a second, and a spectrum unused for a minute is dropped', () => {
    const cache = new SpectrumCache();
    const spectrum = cache.acquire('a');
    cache.commit(cache.compare(memory()));
    expect(cache.recordHistory(0, 0)).to.equal(true);
    expect(cache.recordHistory(500, 500)).to.equal(false);
    expect(cache.recordHistory(1_000, 1_000)).to.equal(true);
    cache.release('a', 1_000);
    cache.recordHistory(30_000, 30_000);
    expect(cache.acquire('a')).to.equal(spectrum);
    cache.release('a', 31_000);
    cache.recordHistory(120_000, 120_000);
    expect(cache.acquire('a')).to.not.equal(spectrum);
  });
});
