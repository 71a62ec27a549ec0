/** Mirror messages: exact bytes, impossible lengths, and the request decoder with any input. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  type MirrorRequest,
  MirrorRequestDecoder,
  checkReplyHeader,
  decodeMirrorHeader,
  encodeMirrorHeader,
  encodeRequestUpdate,
  encodeShmInfo,
} from '../../../protocol/spectcl/mirror-messages.js';

const HEADER = 5_600_000;

describe('mirror messages', () => {
  it('encoded mirror messages have the bytes of the protocol', () => {
    expect([...encodeShmInfo('XA7c')]).to.deep.equal([12, 0, 0, 0, 1, 0, 0, 0, 0x58, 0x41, 0x37, 0x63]);
    expect([...encodeRequestUpdate()]).to.deep.equal([8, 0, 0, 0, 2, 0, 0, 0]);
    expect(decodeMirrorHeader(encodeMirrorHeader(4, 4_000_000_000))).to.deep.equal({
      size: 4_000_000_008,
      type: 4,
    });
    expect(() => encodeMirrorHeader(3, 2 ** 32 - 8)).to.throw(RangeError);
  });

  it('headers of updates that fit are accepted', () => {
    expect(checkReplyHeader(8 + HEADER + 100, 3, 100)).to.deep.equal({
      kind: 'full',
      bodyBytes: HEADER + 100,
      landsAt: 0,
    });
    expect(checkReplyHeader(8 + 100, 4, 100)).to.deep.equal({
      kind: 'partial',
      bodyBytes: 100,
      landsAt: HEADER,
    });
  });

  it('updates without a spectrum are accepted: 1 byte from SpecTcl, none from Rustogramer', () => {
    expect(checkReplyHeader(8 + HEADER + 1, 3, 100).kind).to.equal('full');
    expect(checkReplyHeader(8 + HEADER, 3, 100).kind).to.equal('full');
    expect(checkReplyHeader(8 + 1, 4, 100).kind).to.equal('partial');
    expect(checkReplyHeader(8, 4, 100).kind).to.equal('partial');
  });

  it('headers with impossible lengths or types are refused', () => {
    const problem = (size: number, type: number): string => {
      const judged = checkReplyHeader(size, type, 100);
      return judged.kind === 'bad' ? judged.problem : 'accepted';
    };
    expect(problem(0, 4)).to.match(/shorter than its own header/);
    expect(problem(7, 3)).to.match(/shorter than its own header/);
    expect(problem(8 + HEADER - 1, 3)).to.match(/shorter than a header/);
    expect(problem(8 + HEADER + 101, 3)).to.match(/101 bytes of channels, and the memory has 100/);
    expect(problem(8 + 101, 4)).to.match(/101 bytes of channels, and the memory has 100/);
    expect(problem(0xffff_ffff, 4)).to.match(/and the memory has 100/);
    expect(problem(8, 1)).to.match(/neither a full/);
    expect(problem(8, 0x4854_5450)).to.match(/neither a full/);
  });
});

const requests = fc.array(
  fc.oneof(
    fc.constant<MirrorRequest>({ kind: 'request-update' }),
    fc
      .uint8Array({ maxLength: 300 })
      .map((key): MirrorRequest => ({ kind: 'shminfo', key: Uint8Array.from(key) })),
  ),
  { maxLength: 20 },
);

function encode(request: MirrorRequest): Uint8Array {
  if (request.kind === 'request-update') return encodeRequestUpdate();
  return Buffer.concat([encodeMirrorHeader(1, request.key.byteLength), request.key]);
}

/** Cuts bytes at the given places, in any order. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.byteLength + 1)), bytes.byteLength].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

describe('mirror request decoder', () => {
  it('the request decoder returns the same requests, however the bytes are cut', () => {
    fc.assert(
      fc.property(requests, fc.array(fc.nat()), (sent, places) => {
        const decoder = new MirrorRequestDecoder();
        const bytes = Buffer.concat(sent.map(encode));
        const requests = cut(bytes, places).flatMap((piece) => decoder.push(piece));
        expect(decoder.problem).to.equal(undefined);
        expect(requests).to.deep.equal(sent);
      }),
    );
  });

  it('the request decoder finds the same problem, however invalid bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat()), (garbage, places) => {
        const whole = new MirrorRequestDecoder({ keyBytes: 4 });
        const inPieces = new MirrorRequestDecoder({ keyBytes: 4 });
        const expected = whole.push(garbage);
        expect(cut(garbage, places).flatMap((piece) => inPieces.push(piece))).to.deep.equal(expected);
        expect(inPieces.problem).to.equal(whole.problem);
        if (whole.problem !== undefined) expect(whole.push(encodeRequestUpdate())).to.deep.equal([]);
      }),
    );
  });

  it('the request decoder returns the requests in front of an invalid one', () => {
    const decoder = new MirrorRequestDecoder();
    expect(decoder.push(Buffer.concat([encodeRequestUpdate(), encodeMirrorHeader(9, 0)]))).to.deep.equal([
      { kind: 'request-update' },
    ]);
    expect(decoder.problem).to.equal('message type 9 is not a request');
  });

  it('the request decoder accepts only keys of the given length', () => {
    for (const key of ['XA7', 'XA7cd', '']) {
      const decoder = new MirrorRequestDecoder({ keyBytes: 4 });
      expect(decoder.push(encodeShmInfo(key))).to.deep.equal([]);
      expect(decoder.problem).to.equal(`a memory key of ${key.length} bytes instead of 4`);
    }
  });

  it('the request decoder refuses an invalid header before its body arrives', () => {
    const tooLong = new MirrorRequestDecoder();
    tooLong.push(encodeMirrorHeader(1, 1_000_000_000));
    expect(tooLong.problem).to.match(/memory key of 1000000000 bytes/);
    const withBody = new MirrorRequestDecoder();
    withBody.push(encodeMirrorHeader(2, 1));
    expect(withBody.problem).to.match(/with a body of 1 bytes/);
    const short = new MirrorRequestDecoder();
    short.push(Uint8Array.of(7, 0, 0, 0, 2, 0, 0, 0));
    expect(short.problem).to.match(/shorter than its own header/);
  });
});
