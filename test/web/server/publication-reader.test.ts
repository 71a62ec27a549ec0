/**
 * Tests how publications of a mirror are read into the spectrum cache and the list of spectra, from
 * a display memory of the test. Pure.
 */
import { expect } from 'chai';
import { SpectraView, type Mirror } from '../../../client-lib/index.js';
import { DISPLAY_HEADER_BYTES } from '../../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../../protocol/spectcl/display-writer.js';
import { PublicationReader } from '../../../web/server/publication-reader.js';
import { SpectrumCache } from '../../../web/server/spectrum-cache.js';
import { SpectrumListing } from '../../../web/server/spectrum-listing.js';

describe('the reader of publications', () => {
  const memory = Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096);
  let published = 0;
  let reads = 0;
  const mirror = {
    get published() {
      return published;
    },
    read<T>(use: (spectra: SpectraView, meta: { sequence: number; timestampNs: number }) => T): T {
      reads += 1;
      return use(new SpectraView(memory), { sequence: published, timestampNs: 5e6 });
    },
  } as unknown as Mirror;

  it('a publication is read once, and again only after invalidation or a new one', () => {
    const cache = new SpectrumCache();
    const listing = new SpectrumListing({ spectrum: () => undefined });
    const reader = new PublicationReader(cache, listing);
    const spectrum = cache.acquire('a');
    writeBinding(memory, 0, { name: 'a', type: 4, xchans: 8, ychans: 1, channelOffset: 0, xmin: 0, xmax: 8 });
    published = 1;
    expect(reader.read(mirror, 0)).to.deep.equal({ counts: true, list: true });
    expect(listing.spectra.map(({ name }) => name)).to.deep.equal(['a']);
    expect(reader.publication).to.deep.equal({ sequence: 1, atMs: 5 });
    expect(reader.read(mirror, 10)).to.deep.equal({ counts: false, list: false });
    expect(reads).to.equal(1);
    reader.invalidate();
    expect(reader.read(mirror, 20)).to.deep.equal({ counts: false, list: false });
    expect(reads).to.equal(2);
    memory.writeUInt32LE(7, DISPLAY_HEADER_BYTES);
    writeBinding(memory, 1, { name: 'b', type: 4, xchans: 8, ychans: 1, channelOffset: 8, xmin: 0, xmax: 8 });
    published = 2;
    expect(reader.read(mirror, 30), 'before the list is due').to.deep.equal({ counts: true, list: false });
    expect(spectrum.counts[0]).to.equal(7);
    // The source publishes nothing more: the list follows all the same.
    expect(reader.read(mirror, 600)).to.deep.equal({ counts: false, list: true });
    expect(listing.spectra.map(({ name }) => name)).to.deep.equal(['a', 'b']);
    const readsBefore = reads;
    expect(reader.read(mirror, 2_000)).to.deep.equal({ counts: false, list: false });
    expect(reads).to.equal(readsBefore);
  });
});
