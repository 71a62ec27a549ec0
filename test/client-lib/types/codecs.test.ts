/** The provided flow types, for every value and for arbitrary bytes. */
import { deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  array,
  bytes,
  compressed,
  isMirrorflowError,
  json,
  type TypedBuffer,
  type ArrayKind,
  type ErrorCode,
  type FlowType,
  type NumericBuffer,
} from 'mirrorflow';
import { encodedBytes } from '../../../client-lib/types/stack.js';
import { detectorEvents } from '../../../examples/typed-flow/detector-events.js';
import { BorrowedBytes, slot, through } from './layers.js';

const KINDS = {
  f64: Float64Array,
  f32: Float32Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;
const ROOM = 4096;
const shapes = fc.array(fc.nat(5), { minLength: 1, maxLength: 4 });

function codeOf(run: () => unknown): ErrorCode | 'none' | 'foreign' {
  try {
    run();
    return 'none';
  } catch (error) {
    return isMirrorflowError(error) ? error.code : 'foreign';
  }
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, one) => all * one, 1);
}

/** As JSON represents them: without negative zero. */
const jsonValues = fc
  .jsonValue({ noUnicodeString: false })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);

describe('JSON buffers', () => {
  it('JSON values are read as they were written, plain and compressed', () => {
    fc.assert(
      fc.property(jsonValues, (value) => {
        for (const type of [json(), compressed(json())]) {
          const { buffer } = through(type, value, 1 << 16);
          expect(buffer.error).to.equal(undefined);
          expect(buffer.value).to.deep.equal(value);
          expect(buffer.copy()).to.deep.equal(value);
          expect(buffer.value).to.equal(buffer.value);
        }
      }),
    );
  });

  it('a JSON value needs exactly the bytes of its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), (text) => {
        const length = Buffer.byteLength(JSON.stringify(text));
        expect(json().encode(text, slot(length))).to.equal(length);
        expect(codeOf(() => json().encode(text, slot(length - 1)))).to.equal('TOO_LARGE');
      }),
    );
  });

  it('the check option refuses a parsed value with its own error', () => {
    const check = (value: unknown): number => {
      if (typeof value !== 'number') throw new TypeError('a number is wanted');
      return value;
    };
    expect(through(json({ check }), 4, 16).buffer.value).to.equal(4);
    const { borrowed } = through(json(), 'four', 16);
    const { error } = json({ check }).decode(borrowed);
    expect(error?.message).to.include('a number is wanted');
  });

  it('values that JSON cannot represent are a BAD_OPTION', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [cycle, () => 1, undefined, 2n]) {
      expect(codeOf(() => json().encode(value, slot(64)))).to.equal('BAD_OPTION');
    }
  });
});

describe('arrays', () => {
  for (const kind of Object.keys(KINDS) as ArrayKind[]) {
    it(`arrays of ${kind} are read with their shape, as aligned views of the bytes`, () => {
      fc.assert(
        fc.property(shapes, fc.uint8Array({ minLength: 8, maxLength: 64 }), (shape, seed) => {
          const given = filled(kind, product(shape), seed);
          const { buffer, borrowed } = through(array(kind), { array: given, shape }, 8192);
          expect(buffer.shape).to.deep.equal(shape);
          expect(bytesOf(buffer.array)).to.deep.equal(bytesOf(given));
          expect(buffer.array).to.be.instanceOf(KINDS[kind]);
          expect(buffer.array.buffer).to.equal(borrowed.data.buffer);
          expect(buffer.array.byteOffset % 32).to.equal(0);
          expect(buffer.data.length).to.equal(given.byteLength);
          expect(bytesOf(buffer.copy())).to.deep.equal(bytesOf(given));
          expect(buffer.copy().buffer).to.not.equal(borrowed.data.buffer);
        }),
        { numRuns: 30 },
      );
    });

    it(`compressed arrays of ${kind} are read aligned`, () => {
      fc.assert(
        fc.property(shapes, fc.uint8Array({ minLength: 8, maxLength: 64 }), (shape, seed) => {
          const given = filled(kind, product(shape), seed);
          const type = compressed(array(kind));
          const { buffer, bytes: used } = through(type, { array: given, shape }, 8192);
          expect(used).to.be.at.most(encodedBytes(type, given.byteLength));
          expect(buffer.shape).to.deep.equal(shape);
          expect(bytesOf(buffer.array)).to.deep.equal(bytesOf(given));
        }),
        { numRuns: 30 },
      );
    });
  }

  it('arrays in unaligned bytes are read by copying', () => {
    const target = slot(64);
    const used = array('f64').encode(Float64Array.of(1, 2), target);
    const odd = new Uint8Array(new ArrayBuffer(used + 3), 3);
    odd.set(target.subarray(0, used));
    expect(array('f64').decode(new BorrowedBytes(odd)).array).to.deep.equal(Float64Array.of(1, 2));
  });

  it('an array without a shape has the declared one, or one dimension', () => {
    const shape = (most: number[] | undefined, length: number) =>
      through(array('u8', most), new Uint8Array(length), 256).buffer.shape;
    expect(shape([2, 3], 6)).to.deep.equal([2, 3]);
    expect(shape(undefined, 6)).to.deep.equal([6]);
    expect(shape([9], 6)).to.deep.equal([6]);
    expect(codeOf(() => shape([2, 3], 5))).to.equal('BAD_OPTION');
  });

  it('arrays beyond the declared shape are refused by writer and reader', () => {
    const value = { array: new Float64Array(12), shape: [3, 4] };
    expect(codeOf(() => array('f64', [3, 3]).encode(value, slot(ROOM)))).to.equal('BAD_OPTION');
    const { borrowed } = through(array('f64'), value, ROOM);
    expect(array('f64', [3, 3]).decode(borrowed).error?.message)
      .to.include('[3 × 4]')
      .and.to.include('[3 × 3]');
    expect(array('f64', [3, 4]).decode(borrowed).error).to.equal(undefined);
    expect(array('f64', [12]).decode(borrowed).error?.code).to.equal('BAD_MESSAGE');
  });

  it('arrays of another kind, or that do not fit their shape or the slot, are refused', () => {
    const wrong = new Float32Array(4) as unknown as Float64Array;
    const encode = (value: Float64Array | { array: Float64Array; shape: number[] }, room = ROOM) =>
      codeOf(() => array('f64').encode(value, slot(room)));
    expect(encode(wrong)).to.equal('BAD_OPTION');
    expect(encode({ array: new Float64Array(4), shape: [3] })).to.equal('BAD_OPTION');
    expect(encode({ array: new Float64Array(1), shape: [] })).to.equal('BAD_OPTION');
    expect(encode(new Float64Array(4), 32 + 31)).to.equal('TOO_LARGE');
    expect(encode(new Float64Array(4), 32 + 32)).to.equal('none');
    for (const shape of [[], [1.5], [-1], [2 ** 32], Array.from({ length: 8 }, () => 1)]) {
      expect(codeOf(() => array('u8', shape))).to.equal('BAD_OPTION');
    }
    expect(codeOf(() => array('f16' as 'f32'))).to.equal('BAD_OPTION');
  });

  it('an array can be filled in its slot', () => {
    const target = slot(32 + 64);
    const type = array('f64', [2, 4]);
    const { value, bytes: used } = type.place!(target, [1, 4]);
    value.set([1, 2, 3, 4]);
    const read = type.decode(new BorrowedBytes(target.subarray(0, used)));
    expect([...read.array]).to.deep.equal([1, 2, 3, 4]);
    expect(read.shape).to.deep.equal([1, 4]);
    expect(type.place!(target).value).to.have.length(8);
    expect(array('i16').place!(target).value).to.have.length(32);
    expect(codeOf(() => type.place!(target, [3, 4]))).to.equal('BAD_OPTION');
    expect(codeOf(() => array('u8').place!(slot(16)))).to.equal('TOO_LARGE');
  });
});

describe('compression', () => {
  it('compressed bytes are read as they were written, and take at most 8 bytes more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(9), (value, level) => {
        const type = compressed(bytes(), { level });
        const { buffer, bytes: used } = through(type, value, value.length + 8);
        expect(used).to.be.at.most(value.length + 8);
        expect(Buffer.from(buffer.value)).to.deep.equal(Buffer.from(value));
      }),
    );
  });

  it('a value larger than the slot is written when its compressed form fits', () => {
    const type = compressed(bytes(), { maxBytes: 100_000 });
    const { buffer, bytes: used } = through(type, new Uint8Array(100_000), 512);
    expect(used).to.be.below(512);
    expect(buffer.value).to.have.length(100_000);
    expect(codeOf(() => through(type, new Uint8Array(100_001), 512))).to.equal('TOO_LARGE');
    expect(codeOf(() => through(type, new Uint8Array(100_001), 200_000))).to.equal('TOO_LARGE');
    const noise = Uint8Array.from({ length: 1000 }, (_, at) => (at * at * 2654435761) >>> 13);
    expect(codeOf(() => through(type, noise, 512))).to.equal('TOO_LARGE');
  });

  it('a decompression bomb is refused before memory is allocated', () => {
    const bomb = (rawBytes: number, content: Uint8Array): BorrowedBytes => {
      const target = slot(8 + content.length);
      const words = new DataView(target.buffer, target.byteOffset);
      words.setUint32(0, rawBytes, true);
      words.setUint32(4, 1, true);
      target.set(content, 8);
      return new BorrowedBytes(target);
    };
    const zeros = deflateRawSync(new Uint8Array(4_000_000));
    const read = (rawBytes: number, content: Uint8Array, maxBytes = 1_000_000) =>
      compressed(bytes(), { maxBytes }).decode(bomb(rawBytes, content)).error;
    expect(read(4_000_000, zeros)?.message).to.include('4000000').and.to.include('1000000');
    expect(read(1_000_000, zeros)?.code).to.equal('BAD_MESSAGE');
    expect(read(4_000_000, zeros, 4_000_000)).to.equal(undefined);
    const before = process.memoryUsage().arrayBuffers;
    expect(read(2 ** 31 - 1, new Uint8Array(10), 2 ** 31 - 1)?.message).to.include('cannot hold');
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(1_000_000);
  });

  it('compression levels and sizes out of range are refused', () => {
    for (const options of [
      { level: 10 },
      { level: -1 },
      { level: 1.5 },
      { maxBytes: -1 },
      { maxBytes: 2 ** 31 },
    ]) {
      expect(codeOf(() => compressed(bytes(), options))).to.equal('BAD_OPTION');
    }
  });
});

describe('hostile bytes', () => {
  const types: FlowType<never, TypedBuffer<unknown>, unknown, never>[] = [
    bytes(),
    json(),
    array('f64'),
    array('u8', [4, 4]),
    array('i64', [2 ** 31, 2 ** 31, 2 ** 31]),
    detectorEvents('clover'),
    compressed(bytes()),
    compressed(json(), { maxBytes: 1000 }),
    compressed(array('i16')),
    compressed(detectorEvents('clover')),
  ];

  /** Reads whatever can be read, and expects a value or a BAD_MESSAGE, consistently. */
  function survive(buffer: TypedBuffer<unknown>): void {
    const { error } = buffer;
    const code = error?.code ?? 'none';
    expect(code).to.be.oneOf(['none', 'BAD_MESSAGE']);
    expect(codeOf(() => buffer.value)).to.equal(code);
    expect(codeOf(() => buffer.copy())).to.equal(code);
    if ('shape' in buffer) expect(codeOf(() => (buffer as NumericBuffer<'f64'>).shape)).to.equal(code);
    buffer.release();
    expect(codeOf(() => buffer.value)).to.equal('CLOSED');
  }

  it('arbitrary bytes are a value or an error of their buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(types.length - 1), (content, which) => {
        const target = slot(content.length, which % 2 === 0);
        target.set(content);
        survive(types[which]!.decode(new BorrowedBytes(target)));
      }),
      { numRuns: 2000 },
    );
  });

  it('cut or changed bytes are a value or an error of their buffer', () => {
    const samples = [
      through(json(), { a: [1, 'é', null] }, 256).borrowed,
      through(array('u8', [4, 4]), new Uint8Array(16), 256).borrowed,
      through(compressed(array('i16')), new Int16Array(100), 256).borrowed,
      through(compressed(json()), 'x'.repeat(300), 256).borrowed,
      through(detectorEvents('clover'), { runNumber: 1, triggerMask: 2, hits: Uint32Array.of(3) }, 256)
        .borrowed,
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.nat(types.length - 1),
        fc.nat(256),
        fc.nat(256),
        fc.integer(),
        (sample, which, cut, at, word) => {
          const target = slot(sample.size);
          target.set(sample.data);
          const words = new DataView(target.buffer, target.byteOffset, target.length);
          if (at + 4 <= target.length) words.setInt32(at, word, true);
          survive(types[which]!.decode(new BorrowedBytes(target.subarray(0, Math.min(cut, target.length)))));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('wrong bytes of an overwritten buffer are reported as CLOSED', () => {
    const borrowed = new BorrowedBytes(Buffer.from('{"half'));
    borrowed.valid = false;
    for (const type of [json(), compressed(json())])
      expect(type.decode(borrowed).error?.code).to.equal('CLOSED');
  });
});

function filled<K extends ArrayKind>(kind: K, length: number, seed: Uint8Array) {
  const content = Uint8Array.from(
    { length: length * KINDS[kind].BYTES_PER_ELEMENT },
    (_, at) => seed[at % seed.length]!,
  );
  return new KINDS[kind](content.buffer) as InstanceType<(typeof KINDS)[K]>;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(new Uint8Array(buffer, byteOffset, byteLength));
}
