/** The handshake between duplicators: its bytes, its versions, and who decides about integrity. */
import { expect } from 'chai';
import { CallerHandshake, ListenerHandshake } from '../../../../protocol/flow/wire/handshake.js';
import {
  HandshakeKind,
  WIRE_VERSION,
  decodeRefusal,
  encodeHandshake,
  encodeRefusal,
  encodeWelcome,
  type Integrity,
  type WireHello,
  type WireWelcome,
} from '../../../../protocol/flow/wire/handshake-messages.js';
import { Secret } from '../../../../protocol/rpc/security/secret.js';
import { PLAIN_TRANSPORT, type Transport } from '../../../../protocol/rpc/security/transport.js';

const SECRET = new Secret('a secret for the wire');
const HELLO: WireHello = {
  application: 'e23001',
  flow: 'events',
  id: '0'.repeat(32),
  delivery: 'lossless',
  crc: false,
  integrity: 'on',
};
const WELCOME: WireWelcome = {
  epoch: 1,
  first: 0,
  delivery: 'lossy',
  integrity: 'on',
  type: 'bytes',
  properties: '{}',
  buffers: 2,
  bufferSize: 1,
  mirror: false,
  state: 'live',
  sinceNs: 1e18,
  generation: 1,
};
const TLS: Transport = { listener: Buffer.alloc(32, 1), caller: Buffer.from('none'), isTls: true };

/** Both ends up to the proof. */
function prove(hello: Partial<WireHello> = {}, transport = PLAIN_TRANSPORT, others = transport) {
  const caller = new CallerHandshake(SECRET, { ...HELLO, ...hello }, transport);
  const listener = new ListenerHandshake(SECRET, () => others);
  const challenge = listener.push(caller.hello());
  if (challenge.kind !== 'more' || challenge.send === undefined) throw new Error('there is no challenge');
  const answer = caller.push(challenge.send);
  const proof = answer.kind === 'more' ? answer.send : undefined;
  return { caller, answer, challenge: challenge.send, proof, proved: proof && listener.push(proof) };
}

/** The first version of the wire, whose messages had the same header. */
const VERSION_1 = 1;

describe('the handshake between duplicators', () => {
  it('messages have the documented bytes, little-endian', () => {
    expect(encodeHandshake(HandshakeKind.PROOF, Buffer.from([0xaa])).toString('hex')).to.equal(
      [Buffer.from('MIRRWIRE').toString('hex'), '0200', '0300', '01000000', 'aa'].join(''),
    );
    expect(encodeRefusal('UNKNOWN_FLOW', 'no').toString('hex')).to.equal(
      [Buffer.from('MIRRWIRE').toString('hex'), '0200', '0500', '06000000', '0d000000', '6e6f'].join(''),
    );
    const { caller, challenge, proof } = prove();
    const hello = caller.hello();
    expect(hello.toString('latin1', 48)).to.equal(JSON.stringify(HELLO));
    expect([hello.readUInt16LE(10), challenge.readUInt16LE(10), proof?.readUInt16LE(10)]).to.deep.equal([
      1, 2, 3,
    ]);
    expect([challenge.length, proof?.length]).to.deep.equal([16 + 64, 16 + 32]);
  });

  it('the first version is refused with both versions named, whichever side it is on', () => {
    const listener = new ListenerHandshake(SECRET, () => PLAIN_TRANSPORT);
    const refused = listener.push(encodeHandshake(HandshakeKind.HELLO, Buffer.alloc(100), VERSION_1));
    if (refused.kind !== 'failed') throw new Error('it was not refused');
    expect(refused.error.code).to.equal('VERSION_MISMATCH');
    const { code, message } = decodeRefusal(refused.send.subarray(16));
    expect(code).to.equal('VERSION_MISMATCH');
    const caller = new CallerHandshake(SECRET, HELLO, PLAIN_TRANSPORT);
    const body = encodeRefusal('VERSION_MISMATCH', 'it uses wire version 2').subarray(16);
    const step = caller.push(encodeHandshake(HandshakeKind.REFUSED, body, VERSION_1));
    if (step.kind !== 'failed') throw new Error('it was not refused');
    expect(step.error.code).to.equal('VERSION_MISMATCH');
    for (const text of [message, step.error.message])
      expect(text).to.contain('wire version 1').and.to.contain(`version ${WIRE_VERSION}`);
  });

  it('ends that see different certificates refuse each other', () => {
    for (const others of [
      { ...TLS, listener: Buffer.alloc(32, 2) },
      { ...TLS, caller: Buffer.alloc(32, 2) },
      PLAIN_TRANSPORT,
    ]) {
      expect(prove({}, TLS, others).answer.kind).to.equal('failed');
    }
    expect(prove({}, TLS).proved).to.have.property('kind', 'proved');
  });

  it('without TLS a welcome that is not in a record, or not of this sender, ends the handshake', () => {
    const welcome = encodeWelcome(WELCOME);
    for (const forged of [welcome, Buffer.concat([Buffer.from([welcome.length, 1, 0, 0]), welcome])])
      expect(prove().caller.push(Buffer.concat([forged, Buffer.alloc(600)])).kind).to.equal('failed');
    const { caller, proved } = prove();
    if (proved?.kind !== 'proved') throw new Error('there is no proof');
    expect(caller.push(proved.protection?.sealer.record(welcome) ?? welcome).kind).to.equal('welcomed');
  });

  for (const [wanted, granted, expected] of [
    ['on', 'on', 'frames have a MAC'],
    ['on', 'off', 'the handshake fails'],
    ['off', 'on', 'frames have a MAC'],
    ['off', 'off', 'frames have no MAC'],
  ] as [Integrity, Integrity, string][]) {
    it(`with integrity ${wanted} at the receiver and ${granted} in the answer, ${expected}`, () => {
      const { caller, proved } = prove({ integrity: wanted });
      if (proved?.kind !== 'proved') throw new Error('there is no proof');
      const welcome = encodeWelcome({ ...WELCOME, integrity: granted });
      const step = caller.push(proved.protection?.sealer.record(welcome) ?? welcome);
      const result =
        step.kind !== 'welcomed'
          ? 'the handshake fails'
          : `frames have ${step.protection === undefined ? 'no' : 'a'} MAC`;
      expect(result).to.equal(expected);
    });
  }

  it('over TLS frames carry no MAC', () => {
    const { caller, proved } = prove({}, TLS);
    expect(proved).to.have.property('protection', undefined);
    const step = caller.push(encodeWelcome(WELCOME));
    expect(step).to.include({ kind: 'welcomed', protection: undefined });
  });
});
