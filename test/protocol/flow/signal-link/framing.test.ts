/** Decoding messages of the signal link from bytes in any pieces. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';

import { MessageDecoder } from '../../../../protocol/flow/signal-link/framing.js';
import {
  encodeMessage,
  FIRST_INTERNAL_KIND,
  MESSAGE_BYTES,
  MessageKind,
  packHello,
  packRefusal,
  unpackHello,
  unpackRefusal,
} from '../../../../protocol/flow/signal-link/messages.js';

const kinds = fc.constantFrom(...Object.values(MessageKind).filter((kind) => kind < FIRST_INTERNAL_KIND));
const messages = fc.array(fc.tuple(kinds, fc.maxSafeNat(), fc.integer({ min: 0, max: 0xffff_ffff })), {
  maxLength: 30,
});

describe('the framing of signals', () => {
  it('the decoder returns the same messages, however the bytes are cut', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sent, cuts) => {
        const bytes = Buffer.alloc(sent.length * MESSAGE_BYTES);
        sent.forEach(([kind, value, detail], index) =>
          encodeMessage(bytes, index * MESSAGE_BYTES, kind, value, detail),
        );
        const decoded: [number, number, number][] = [];
        const decoder = new MessageDecoder((...message) => decoded.push(message));
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const next = at + (cuts[turn % cuts.length] ?? 1);
          expect(decoder.push(bytes.subarray(at, next))).to.equal(true);
          at = next;
        }
        expect(decoded).to.deep.equal(sent);
        expect(decoder.partialBytes).to.equal(0);
      }),
    );
  });

  it('the decoder stops at the first invalid message with one reason and never throws', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
        let after = 0;
        const decoder = new MessageDecoder(() => after++);
        for (const chunk of chunks) decoder.push(chunk);
        const problem = decoder.problem;
        expect(decoder.partialBytes).to.be.below(MESSAGE_BYTES);
        if (problem === undefined) return;
        const before = after;
        const good = Buffer.alloc(MESSAGE_BYTES);
        encodeMessage(good, 0, MessageKind.ACK, 1);
        expect(decoder.push(good)).to.equal(false);
        expect([after, decoder.problem]).to.deep.equal([before, problem]);
      }),
    );
  });

  it('the decoder refuses unknown kinds, internal kinds and values above 2^53 - 1', () => {
    const problemOf = (kind: number, high: number): string | undefined => {
      const bytes = Buffer.alloc(MESSAGE_BYTES);
      bytes.writeUInt32LE(kind, 0);
      bytes.writeUInt32LE(high, 12);
      const decoder = new MessageDecoder(() => expect.fail('delivered'));
      decoder.push(bytes);
      return decoder.problem;
    };
    expect(problemOf(0, 0)).to.contain('kind 0');
    expect(problemOf(99, 0)).to.contain('kind 99');
    expect(problemOf(MessageKind.BYE, 0)).to.contain('BYE');
    expect(problemOf(MessageKind.ACK, 0x20_0000)).to.contain('2^53');
  });

  it('a stopped decoder delivers no further message of the same chunk', () => {
    const bytes = Buffer.alloc(3 * MESSAGE_BYTES);
    for (const at of [0, 16, 32]) encodeMessage(bytes, at, MessageKind.ACK, at);
    const decoded: number[] = [];
    const decoder = new MessageDecoder((_kind, value) => {
      decoded.push(value);
      decoder.stop();
    });
    decoder.push(bytes);
    expect(decoded).to.deep.equal([0]);
  });

  it('a HELLO is packed into its detail and unpacked again', () => {
    for (const role of ['consumer', 'provider', 'observer'] as const) {
      for (const delivery of ['lossless', 'lossy'] as const) {
        for (const start of ['oldest', 'latest', 'sequence'] as const) {
          const hello = { role, delivery, start };
          expect(unpackHello(packHello(hello, 255))).to.deep.equal({ ...hello, version: 255 });
        }
      }
    }
    expect(unpackHello(0x03)).to.equal(undefined);
    expect(unpackHello(0x0200)).to.equal(undefined);
    expect(unpackHello(0x03_0000)).to.equal(undefined);
  });

  it('a refusal carries negative and positive codes', () => {
    for (const code of ['PARSE_ERROR', 'REFUSED', 'VERSION_MISMATCH'] as const) {
      expect(unpackRefusal(packRefusal(code))).to.equal(code);
    }
    expect(unpackRefusal(123_456)).to.equal('APPLICATION_ERROR');
  });
});
