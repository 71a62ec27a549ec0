/** Packed frames are unpacked as they were; invalid bytes are refused; small changes are small. */
import { deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import {
  assert as property,
  property as forAll,
  array,
  constantFrom,
  float64Array,
  integer,
  option,
  record,
  uint8Array,
  uint16Array,
  uint32Array,
} from 'fast-check';
import { valueType } from '../../../web/server/derive.js';
import type { FrameHead, Values } from '../../../web/wire/frame.js';
import { packFrame, unpackFrame, type FrameContent } from '../../../web/wire/packed-frame.js';
import { sampleHistogram } from '../../kit/sample-spectrum.js';

const INFO = sampleHistogram({ name: 'été', xchans: 4, xmax: 1, xoutside: false });

function frame(values: Values, members: Partial<FrameHead> = {}): FrameContent {
  return {
    values,
    head: {
      values: valueType(values),
      info: INFO,
      dimensions: 1,
      x: [0, values.length],
      xgroup: 1,
      y: [0, 1],
      ygroup: 1,
      columns: values.length,
      rows: 1,
      max: 9,
      sum: 7,
      overflows: [1],
      underflows: [2],
      atMs: 3,
      sequence: 4,
      ...members,
    },
  };
}

const lengths = { minLength: 5, maxLength: 5 };
const pairs = constantFrom(uint8Array, uint16Array, uint32Array, float64Array).chain((values) =>
  array(values(lengths) as ReturnType<typeof uint8Array>, { minLength: 2, maxLength: 2 }),
);
const members = record({
  sum: integer(),
  sequence: integer(),
  overflows: array(integer(), { maxLength: 2 }),
  spanS: option(integer(), { nil: undefined }),
});

/** As JSON transports it: without members that are undefined. */
function transported(content: FrameContent): FrameContent {
  return { values: content.values, head: JSON.parse(JSON.stringify(content.head)) as FrameHead };
}

describe('a packed frame', () => {
  it('a frame that was packed as changes since another is unpacked as it was', () => {
    property(
      forAll(pairs, members, members, ([before, after], one, other) => {
        const last = transported(frame(before!, one as Partial<FrameHead>));
        const next = transported(frame(after!, other as Partial<FrameHead>));
        expect(unpackFrame(packFrame(next, last), last)).to.deep.equal(next);
        expect(unpackFrame(packFrame(next, undefined), undefined)).to.deep.equal(next);
      }),
    );
  });

  it('changes with a head of another shape than the last frame are refused', () => {
    const changes = packFrame(frame(new Uint8Array(4)), undefined);
    expect(() => unpackFrame(changes, frame(new Uint16Array(4)))).to.throw(RangeError, 'another shape');
    const short = packFrame(frame(new Uint8Array(4)), undefined).subarray(0, -1);
    expect(() => unpackFrame(short, undefined)).to.throw(RangeError, 'has 3 bytes of values, not 4');
  });

  it('unpacking invalid bytes throws an error', () => {
    property(
      forAll(uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => unpackFrame(bytes, undefined)).to.throw(Error);
      }),
    );
  });

  it('a few counts more in 4,096 channels need less than a hundredth of the bytes', () => {
    const before = Uint32Array.from({ length: 4_096 }, (_, channel) => (channel * 7_919) % 100_000);
    const after = Uint32Array.from(before, (count, channel) => (channel % 512 === 0 ? count + 1 : count));
    const packed = deflateRawSync(packFrame(frame(after), frame(before)));
    expect(packed.length).to.be.below(after.byteLength / 100);
  });
});
