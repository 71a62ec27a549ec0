/** Frames decode to what was encoded, and invalid bytes are refused. */
import { expect } from 'chai';
import { assert as property, property as forAll, array, constantFrom, integer, uint8Array } from 'fast-check';
import {
  decodeFrame,
  encodeFrameBody,
  encodeFrameId,
  type FrameHead,
  type Values,
} from '../../../web/wire/frame.js';
import { sampleHistogram } from '../../kit/sample-spectrum.js';

const INFO = sampleHistogram({ name: 'été', xchans: 4, xmax: 1, xoutside: false });

const KINDS = {
  u8: (counts: number[]): Values => Uint8Array.from(counts),
  u16: (counts: number[]): Values => Uint16Array.from(counts),
  u32: (counts: number[]): Values => Uint32Array.from(counts),
  f64: (counts: number[]): Values => Float64Array.from(counts),
};

function message(id: number, body: Uint8Array): ArrayBuffer {
  const bytes = new Uint8Array(4 + body.length);
  bytes.set(encodeFrameId(id));
  bytes.set(body, 4);
  return bytes.buffer;
}

describe('a frame', () => {
  it('a frame decodes to what was encoded, for all types of values', () => {
    const kinds = constantFrom(...(Object.keys(KINDS) as (keyof typeof KINDS)[]));
    property(
      forAll(
        kinds,
        array(integer({ min: 0, max: 255 })),
        integer({ min: 0, max: 2 ** 32 - 1 }),
        (kind, counts, id) => {
          const head: FrameHead = {
            values: kind,
            info: INFO,
            dimensions: 1,
            x: [0, counts.length],
            xgroup: 1,
            y: [0, 1],
            ygroup: 1,
            columns: counts.length,
            rows: 1,
            max: Math.max(0, ...counts),
            sum: 7,
            overflows: [1],
            underflows: [2],
            atMs: 3,
            sequence: 4,
          };
          const frame = decodeFrame(message(id, encodeFrameBody(head, KINDS[kind](counts))));
          expect(frame.id).to.equal(id);
          expect(frame.head).to.deep.equal(head);
          expect(frame.values).to.deep.equal(KINDS[kind](counts));
        },
      ),
    );
  });

  it('decoding invalid bytes throws an error', () => {
    property(
      forAll(uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeFrame(bytes.slice().buffer);
        } catch (error) {
          expect(error).to.be.instanceOf(Error);
        }
      }),
    );
  });
});
