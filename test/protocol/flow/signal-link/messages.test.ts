/** The byte layout of the signal link's messages, which programs in other languages rely on. */
import { expect } from 'chai';
import {
  AWAKE,
  LAST,
  MESSAGE_BYTES,
  MessageKind,
  UNANSWERED,
  checkMessage,
  encodeMessage,
  kindName,
  packClient,
  packHello,
  packRefusal,
  unpackClient,
  unpackHello,
  unpackRefusal,
} from '../../../../protocol/flow/signal-link/messages.js';

function bytesOf(kind: MessageKind, value: number, detail = 0): string {
  const bytes = Buffer.alloc(MESSAGE_BYTES + 2, 0xee);
  encodeMessage(bytes, 1, kind, value, detail);
  expect([bytes[0], bytes.at(-1)]).to.deep.equal([0xee, 0xee]);
  return bytes.subarray(1, -1).toString('hex');
}

describe('the messages of the signal link', () => {
  it('every kind of message has its documented number', () => {
    expect(MessageKind).to.deep.equal({
      HELLO: 1,
      START: 2,
      WELCOME: 3,
      BEGIN: 4,
      REFUSED: 5,
      PUBLISHED: 6,
      ACK: 7,
      CREDIT: 8,
      STATUS: 9,
      PAUSE: 10,
      RESUME: 11,
      DELIVERY: 12,
      STALL: 13,
      ALIVE: 14,
      BYE: 15,
      LINK: 16,
    });
  });

  it('the bits in the details of ACK and PUBLISHED have their documented places', () => {
    expect({ ack: { AWAKE }, published: { LAST, UNANSWERED } }).to.deep.equal({
      ack: { AWAKE: 1 },
      published: { LAST: 1, UNANSWERED: 2 },
    });
  });

  it('the handshake has the documented bytes', () => {
    const client = packClient(7, 0x1234);
    const hello = packHello({ role: 'consumer', delivery: 'lossy', start: 'sequence' }, 1);
    expect(bytesOf(MessageKind.HELLO, client, hello)).to.equal(
      ['01000000', '00010201', '07000000', '1a090000'].join(''),
    );
    expect(bytesOf(MessageKind.START, 2 ** 40 + 5, 0xfedcba98)).to.equal(
      ['02000000', '98badcfe', '05000000', '00010000'].join(''),
    );
    const welcome = packHello({ role: 'provider', delivery: 'lossless', start: 'latest' }, 1);
    expect(bytesOf(MessageKind.WELCOME, 3, welcome)).to.equal(
      ['03000000', '01000101', '0300000000000000'].join(''),
    );
    expect(bytesOf(MessageKind.BEGIN, 6, 2)).to.equal(['04000000', '02000000', '0600000000000000'].join(''));
    expect(bytesOf(MessageKind.REFUSED, 0, packRefusal('BAD_MESSAGE')).slice(0, 8)).to.equal('05000000');
  });

  it('a HELLO of each role, delivery and start has its documented number', () => {
    const number = (role: 'consumer' | 'provider' | 'observer', start: 'oldest' | 'latest' | 'sequence') =>
      packHello({ role, delivery: 'lossless', start }, 0).toString(16);
    expect([number('consumer', 'oldest'), number('provider', 'latest')]).to.deep.equal(['0', '10001']);
    expect([number('observer', 'sequence')]).to.deep.equal(['20002']);
    expect(packHello({ role: 'consumer', delivery: 'lossy', start: 'oldest' }, 0xff).toString(16)).to.equal(
      'ff000100',
    );
    expect(unpackHello(0xff02_0102)).to.deep.equal({
      role: 'observer',
      delivery: 'lossy',
      start: 'sequence',
      version: 255,
    });
    for (const unknown of [3, 0x200, 0x3_0000]) expect(unpackHello(unknown)).to.equal(undefined);
  });

  it('a HELLO without a process, or with one that does not fit, carries the client id alone', () => {
    expect(unpackClient(packClient(2 ** 31 - 1, 2 ** 22 - 1))).to.deep.equal({
      client: 2 ** 31 - 1,
      pid: 2 ** 22 - 1,
    });
    expect(packClient(2 ** 31 - 1, 2 ** 22 - 1)).to.equal(2 ** 53 - 1);
    expect([packClient(9, 2 ** 22), packClient(2 ** 31, 5), packClient(9, 0)]).to.deep.equal([9, 2 ** 31, 9]);
  });

  it('a refusal carries its error code, and an unknown number is an application error', () => {
    for (const code of ['FLOW_BUSY', 'VERSION_MISMATCH', 'METHOD_NOT_FOUND'] as const)
      expect(unpackRefusal(packRefusal(code))).to.equal(code);
    expect(packRefusal('METHOD_NOT_FOUND')).to.equal(2 ** 32 - 32_601);
    expect(unpackRefusal(123_456)).to.equal('APPLICATION_ERROR');
  });

  it('values and details that do not fit a message are refused', () => {
    for (const [value, detail] of [
      [-1, 0],
      [2 ** 53, 0],
      [0.5, 0],
      [0, -1],
      [0, 2 ** 32],
      [0, 0.5],
    ] as const)
      expect(() => checkMessage(value, detail)).to.throw(RangeError);
    checkMessage(2 ** 53 - 1, 2 ** 32 - 1);
    checkMessage(0, 0);
    expect([kindName(7), kindName(99)]).to.deep.equal(['ACK', 'kind 99']);
  });
});
