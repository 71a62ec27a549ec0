/** The frames of sessions (protocol/rpc/xml-rpc/session-framing.ts). */
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameReader,
} from '../../../../protocol/rpc/xml-rpc/session-framing.js';

const frame = fc.record({
  kind: fc.constantFrom('call' as const, 'response' as const),
  callId: fc.nat(2 ** 32 - 1),
  body: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((body) => Uint8Array.from(body)),
});

describe('session framing', () => {
  it('bytes split in any way give the same frames', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30 })),
        (frames, cuts) => {
          const bytes = Buffer.concat(
            frames.map(({ kind, callId, body }) => encodeFrame(kind, callId, body)),
          );
          const reader = new FrameReader();
          const read: unknown[] = [];
          for (let start = 0, cut = 0; start < bytes.length; cut++) {
            const end = start + (cuts[cut] ?? bytes.length);
            for (const { kind, callId, body } of reader.push(bytes.subarray(start, end))) {
              read.push({ kind, callId, body: Uint8Array.from(body) });
            }
            start = end;
          }
          expect(read).to.deep.equal(frames);
          expect(reader.partial).to.equal(false);
          expect(reader.error).to.equal(undefined);
        },
      ),
    );
  });

  it('a reader never throws, keeps its first error and then returns no frames', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        const reader = new FrameReader(1000);
        let first: unknown;
        for (const chunk of chunks) {
          const frames = reader.push(chunk);
          if (first !== undefined) expect(frames).to.deep.equal([]);
          first ??= reader.error;
          expect(reader.error).to.equal(first);
        }
      }),
    );
  });

  it('unknown kinds, empty bodies and bodies beyond the bound are refused at their header', () => {
    const header = (length: number, kind: number): Buffer => {
      const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
      bytes.writeUInt32LE(length, 0);
      bytes.writeUInt32LE(kind, 4);
      return bytes;
    };
    const errorOf = (bytes: Buffer): unknown => {
      const reader = new FrameReader(100);
      expect(reader.push(bytes)).to.deep.equal([]);
      return reader.error?.code;
    };
    expect(errorOf(header(10, 3))).to.equal('BAD_MESSAGE');
    expect(errorOf(header(0, 1))).to.equal('BAD_MESSAGE');
    expect(errorOf(header(101, 1))).to.equal('TOO_LARGE');
    expect(errorOf(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).to.equal('BAD_MESSAGE');
  });
});
