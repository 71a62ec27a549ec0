/** Cutting a stream of bytes into buffers: blocks, lines, or as the bytes arrive. Pure. */
import { expect } from 'chai';
import fc from 'fast-check';
import { BlockPacker, LinePacker, type Packer } from '../../../console/transfer/pieces.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';

function pack(packer: Packer, chunks: readonly Uint8Array[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (const chunk of chunks) for (const piece of packer.push(chunk)) pieces.push(Buffer.from(piece));
  for (const piece of packer.end()) pieces.push(Buffer.from(piece));
  return pieces;
}

const size = fc.integer({ min: 1, max: 20 });
const binary = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });
/** Many newlines. */
const text = fc.array(
  fc.array(fc.constantFrom(10, 97, 98), { maxLength: 50 }).map((bytes) => Uint8Array.from(bytes)),
  { maxLength: 20 },
);

describe('the pieces of a stream', () => {
  it('block pieces are whole blocks except the last', () => {
    fc.assert(
      fc.property(size, binary, (bytes, chunks) => {
        const pieces = pack(new BlockPacker(bytes, true), chunks);
        expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).to.equal(true);
        for (const piece of pieces.slice(0, -1)) expect(piece).to.have.length(bytes);
        for (const piece of pieces) expect(piece.length).to.be.within(1, bytes);
      }),
    );
  });

  it('unblocked pieces are the bytes as they arrive, cut where a buffer ends', () => {
    fc.assert(
      fc.property(size, binary, (bytes, chunks) => {
        const packer = new BlockPacker(bytes, false);
        for (const chunk of chunks) {
          const pieces = [...packer.push(chunk)].map((piece) => Buffer.from(piece));
          expect(Buffer.concat(pieces).equals(Buffer.from(chunk))).to.equal(true);
          for (const piece of pieces) expect(piece.length).to.be.within(1, bytes);
        }
        expect([...packer.end()]).to.deep.equal([]);
      }),
    );
  });

  it('line pieces are whole lines; only lines longer than a buffer are cut, if allowed', () => {
    fc.assert(
      fc.property(size, text, (bytes, chunks) => {
        const all = Buffer.concat(chunks);
        const pieces = pack(new LinePacker(bytes, true), chunks);
        expect(Buffer.concat(pieces).equals(all)).to.equal(true);
        let begin = 0;
        for (const piece of pieces) {
          expect(piece.length).to.be.within(1, bytes);
          const end = begin + piece.length;
          const ends = piece.at(-1) === 10 || end === all.length;
          // A piece that ends within a line is a full buffer without any end of a line.
          if (!ends) expect([piece.length, piece.includes(10)]).to.deep.equal([bytes, false]);
          begin = end;
        }
      }),
    );
  });

  it('a line that does not fit is refused with its number and one that just fits is taken', () => {
    const words = [Buffer.from('a\nb\n12345678\n')];
    expect(pack(new LinePacker(9, false), words).join('|')).to.equal('a\nb\n|12345678\n');
    let thrown: unknown;
    try {
      pack(new LinePacker(8, false), words);
    } catch (error) {
      thrown = error;
    }
    expect(isMirrorflowError(thrown, 'TOO_LARGE')).to.equal(true);
    expect(String(thrown)).to.contain('line 3 ("12345678"');
    // The last line has no newline to make room for.
    expect(pack(new LinePacker(8, false), [Buffer.from('12345678')]).join()).to.equal('12345678');
  });
});
