/** The pool of publications that all mirror clients of a gateway share. Pure. */
import { expect } from 'chai';
import { Publications, type ReadNewest } from '../../gateway/publications.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';

const CHANNELS = 64;

/** A display memory whose header and channels are filled with one value each. */
function memoryOf(header: number, channels: number): Buffer {
  const memory = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNELS, channels);
  memory.fill(header, 0, DISPLAY_HEADER_BYTES);
  return memory;
}

describe('publications for mirror clients', () => {
  let memory = memoryOf(1, 1);
  let sequence = 0;
  let exhausted = 0;
  const read: ReadNewest = (use) => use(memory, { sequence, timestampNs: sequence });

  function create(reader: ReadNewest = read): Publications {
    memory = memoryOf(1, 1);
    sequence = 0;
    exhausted = 0;
    return new Publications(reader, () => (exhausted += 1));
  }

  function publish(header: number, channels: number): void {
    memory = memoryOf(header, channels);
    sequence += 1;
  }

  it('a publication is copied once for all clients', () => {
    const publications = create();
    const leases = Array.from({ length: 32 }, () => publications.newest());
    expect(new Set(leases.map((lease) => lease.memory.buffer)).size).to.equal(1);
    expect(publications.buffers).to.equal(1);
  });

  it('a leased publication does not change when newer ones are published', () => {
    const publications = create();
    const slow = publications.newest();
    for (let round = 2; round < 20; round += 1) {
      publish(1, round);
      const quick = publications.newest();
      expect(quick.memory.at(-1)).to.equal(round);
      quick.release();
    }
    expect([slow.memory[0], slow.memory.at(-1)]).to.deep.equal([1, 1]);
    expect(publications.buffers).to.be.at.most(3);
  });

  it('the newest header is copied with its channels when it changes, and nothing is copied before', () => {
    const publications = create();
    publications.newestHeader().release();
    publish(1, 2);
    const same = publications.newestHeader();
    expect([same.memory[0], same.memory.at(-1)]).to.deep.equal([1, 1]);
    publish(2, 3);
    const changed = publications.newestHeader();
    expect([changed.memory[0], changed.memory.at(-1)]).to.deep.equal([2, 3]);
    expect(changed.headerVersion).to.equal(same.headerVersion + 1);
    expect(publications.newest().memory.at(-1)).to.equal(3);
  });

  it('the header version changes only with the header', () => {
    const publications = create();
    const versions: number[] = [];
    for (const header of [1, 1, 2, 2, 1]) {
      publish(header, versions.length);
      const lease = publications.newest();
      versions.push(lease.headerVersion);
      expect([lease.memory[0], lease.memory.at(-1)]).to.deep.equal([header, versions.length - 1]);
      lease.release();
    }
    expect(versions).to.deep.equal([1, 1, 2, 2, 3]);
  });

  it('a publication is never a mixture, even after a torn first copy', () => {
    const publications = create((use) => {
      use(Buffer.concat([memoryOf(9, 9).subarray(0, 3_000_000), memory.subarray(3_000_000)]), {
        sequence: sequence + 100,
        timestampNs: 0,
      });
      return use(memory, { sequence, timestampNs: sequence });
    });
    for (const header of [1, 1, 2, 2]) {
      publish(header, header);
      const lease = publications.newest();
      expect(Buffer.compare(lease.memory, memory)).to.equal(0);
      lease.release();
    }
  });

  it('with every buffer in use the newest copy is returned and the owner is called', () => {
    const publications = create();
    const held = Array.from({ length: 20 }, (_, round) => {
      publish(1, round);
      return publications.newest();
    });
    expect(publications.buffers).to.equal(8);
    expect(exhausted).to.equal(12);
    expect(held.at(-1)?.memory.at(-1)).to.equal(7);
    for (const lease of held) lease.release();
    publish(1, 99);
    expect(publications.newest().memory.at(-1)).to.equal(99);
  });

  it('buffers grow with the display memory', () => {
    const publications = create();
    publications.newest().release();
    memory = Buffer.concat([memory, Buffer.alloc(1_000, 5)]);
    sequence += 1;
    const lease = publications.newest();
    expect(lease.memory.byteLength).to.equal(DISPLAY_HEADER_BYTES + CHANNELS + 1_000);
    expect(lease.memory.at(-1)).to.equal(5);
  });
});
