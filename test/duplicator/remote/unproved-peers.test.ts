/**
 * Peers without a valid proof at a duplicator that serves other hosts: they learn nothing, are
 * closed with a reason in the log, and disturb no other receiver.
 */
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { PROOF_BYTES } from '../../../protocol/rpc/security/proof.js';
import type { RecordProtection } from '../../../protocol/rpc/security/records.js';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import { PLAIN_TRANSPORT } from '../../../protocol/rpc/security/transport.js';
import { FRAME_BYTES, FrameKind, controlFrame, encodeHeader } from '../../../protocol/flow/wire/frame.js';
import { CallerHandshake } from '../../../protocol/flow/wire/handshake.js';
import {
  HandshakeKind,
  WIRE_VERSION,
  decodeRefusal,
  encodeHandshake,
} from '../../../protocol/flow/wire/handshake-messages.js';
import { closeOf, rejection } from '../../protocol/rpc/xml-rpc/outcome.js';
import { eventually } from '../../kit/eventually.js';
import { LocalHost, SECRET, type LocalHostFlow } from '../../kit/local-host.js';

const HELLO = {
  application: 'test',
  flow: 'events',
  id: '0'.repeat(32),
  delivery: 'lossy',
  crc: false,
  integrity: 'on',
} as const;

describe('a peer at a duplicator that serves other hosts', () => {
  let host: LocalHost;
  let here: LocalHostFlow;
  let port: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    host = new LocalHost();
    here = await host.local(16, 1_000);
    port = await here.serve();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await host.close();
  });

  /** Connects, sends `first`, and collects what arrives. */
  function openPeer(first?: Buffer): { socket: Socket; received: () => Buffer } {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
    socket.on('error', () => undefined);
    if (first !== undefined) socket.write(first);
    return { socket, received: () => received };
  }

  /** Performs the handshake with `secret`; `outcome` resolves when it is over. */
  function shakeHands(
    secret: string,
    hello: object = HELLO,
  ): { socket: Socket; outcome: Promise<string>; protection: () => RecordProtection | undefined } {
    let protection: RecordProtection | undefined;
    const handshake = new CallerHandshake(new Secret(secret), hello as typeof HELLO, PLAIN_TRANSPORT);
    const { socket } = openPeer(handshake.hello());
    const outcome = new Promise<string>((resolve) => {
      socket.on('close', () => resolve('closed'));
      socket.on('data', (chunk: Buffer) => {
        const step = handshake.push(chunk);
        if (step.kind === 'more' && step.send !== undefined) socket.write(step.send);
        if (step.kind === 'failed') resolve(`${step.error.code}: ${step.error.message}`);
        if (step.kind !== 'welcomed') return;
        ({ protection } = step);
        resolve('welcomed');
      });
    });
    return { socket, outcome, protection: () => protection };
  }

  const logged = (text: string): boolean => host.log.some((line) => line.includes(text));

  it('a peer with another secret is refused, whichever side connects', async () => {
    expect(await shakeHands('another secret than this').outcome).to.contain('does not have the secret');
    const wrong = new LocalHost('yet another secret');
    const error = await rejection(wrong.makeRemote(`tcp://127.0.0.1:${port}`).start());
    expect([error.code, error.message]).to.deep.equal([
      'REFUSED',
      'the other duplicator does not have the secret of this host, or a program stands between',
    ]);
    await wrong.close();
    await eventually(() => logged('it disconnected before it proved the secret'), 'the reason in the log');
    expect(here.flow.remotes).to.deep.equal([]);
  });

  it('a peer with a wrong proof receives the reason', async () => {
    const { socket, received } = openPeer(
      new CallerHandshake(new Secret(SECRET), HELLO, PLAIN_TRANSPORT).hello(),
    );
    await eventually(() => received().length >= 16 + 64, 'the challenge');
    const challenge = received().length;
    socket.write(encodeHandshake(HandshakeKind.PROOF, Buffer.alloc(PROOF_BYTES)));
    await closeOf(socket);
    expect(decodeRefusal(received().subarray(challenge + 16))).to.deep.equal({
      code: 'REFUSED',
      message: 'the secret is not the one of this host',
    });
    expect(logged('the secret is not the one of this host')).to.equal(true);
  });

  it('a recorded handshake is refused', async () => {
    const sent: Buffer[] = [];
    const { socket, outcome } = shakeHands(SECRET);
    const write = socket.write.bind(socket);
    socket.write = (chunk: Uint8Array) => {
      sent.push(Buffer.from(chunk));
      return write(chunk);
    };
    expect(await outcome).to.equal('welcomed');
    const replay = openPeer(new CallerHandshake(new Secret(SECRET), HELLO, PLAIN_TRANSPORT).hello());
    await eventually(() => replay.received().length > 0, 'the challenge');
    replay.socket.write(sent.at(-1) ?? Buffer.alloc(0)); // the recorded proof
    await closeOf(replay.socket);
    expect(logged('the secret is not the one of this host')).to.equal(true);
  });

  it('a peer of another wire version is refused with both versions named', async () => {
    const { socket, received } = openPeer(
      encodeHandshake(HandshakeKind.HELLO, Buffer.alloc(32), WIRE_VERSION + 1),
    );
    await closeOf(socket);
    const { code, message } = decodeRefusal(received().subarray(16));
    expect(code).to.equal('VERSION_MISMATCH');
    expect(message)
      .to.contain(`version ${WIRE_VERSION + 1}`)
      .and.to.contain(`version ${WIRE_VERSION}`);
  });

  it('only a peer with the secret learns that a flow does not exist', async () => {
    const { outcome } = shakeHands(SECRET, { ...HELLO, flow: 'secrets' });
    expect(await outcome).to.match(/^UNKNOWN_FLOW/);
  });

  for (const [what, bytes] of [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    [
      'a message that claims gigabytes',
      Buffer.concat([
        encodeHandshake(HandshakeKind.HELLO, Buffer.alloc(0)).subarray(0, 12),
        Buffer.from([0xff, 0xff, 0xff, 0x7f]),
      ]),
    ],
    ['a message out of order', encodeHandshake(HandshakeKind.PROOF, Buffer.alloc(32))],
    ['a greeting without a nonce', encodeHandshake(HandshakeKind.HELLO, Buffer.alloc(3))],
    [
      'more than the first message at once',
      Buffer.concat([
        new CallerHandshake(new Secret(SECRET), HELLO, PLAIN_TRANSPORT).hello(),
        Buffer.alloc(100),
      ]),
    ],
  ] as const) {
    it(`a peer that sends ${what} is closed, and the reason is logged`, async () => {
      const { socket } = openPeer(bytes);
      await closeOf(socket);
      await eventually(() => logged('a connection of another host was closed'), 'the reason');
    });
  }

  it('a peer that sends its handshake byte by byte is closed at the time limit', async () => {
    const { socket } = openPeer();
    const hello = new CallerHandshake(new Secret(SECRET), HELLO, PLAIN_TRANSPORT).hello();
    let at = 0;
    const drip = setInterval(() => socket.write(hello.subarray(at, (at += 1))), 200);
    await closeOf(socket);
    clearInterval(drip);
    expect(at).to.be.below(hello.length);
    await eventually(() => logged('it did not prove the secret within'), 'the reason');
  });

  it('a thousand silent peers are bounded, and a receiver still gets its flow', async () => {
    const many = Array.from({ length: 1_000 }, () => openPeer());
    await eventually(() => many.every(({ socket }) => !socket.connecting), 'all are connected');
    const there = new LocalHost();
    const flow = await there.remote(`tcp://127.0.0.1:${port}`);
    const input = await flow.consumer();
    const output = await here.provider();
    await output.write(Buffer.from('a buffer'));
    expect(Buffer.from((await input.take())?.data ?? []).toString()).to.equal('a buffer');
    await eventually(
      () => many.filter(({ socket }) => !socket.destroyed).length <= 8,
      'the oldest are closed',
    );
    expect(host.log.length).to.be.below(10);
    await input.close();
    await there.close();
  });

  it('a proved peer is closed for a frame that a receiver does not send', async () => {
    const oversize = Buffer.alloc(FRAME_BYTES);
    encodeHeader(oversize, 0, {
      length: 1,
      kind: FrameKind.ACK,
      bits: 0,
      sequence: 0,
      value: 0,
      detail: 0,
      crc: 0,
    });
    const unknown = Buffer.alloc(FRAME_BYTES, 0xff);
    for (const frame of [
      oversize,
      unknown,
      controlFrame(FrameKind.ACK, 1),
      controlFrame(FrameKind.STATE),
      controlFrame(FrameKind.BUFFER),
    ]) {
      const { socket, outcome, protection } = shakeHands(SECRET);
      expect(await outcome).to.equal('welcomed');
      socket.write(protection()?.sealer.record(frame) ?? frame);
      await closeOf(socket);
    }
    expect(here.flow.remotes).to.deep.equal([]);
    expect(host.log.filter((line) => line.includes('was lost')).length).to.equal(5);
  });

  it('an address is refused after ten failed handshakes', async () => {
    for (let failure = 0; failure < 10; failure += 1)
      await closeOf(openPeer(Buffer.from('garbage, garbage')).socket);
    expect(await shakeHands(SECRET).outcome).to.equal('closed');
    expect(logged('failed too often')).to.equal(true);
  });
});

describe('a flow without a secret', () => {
  it('a flow without a secret is neither served to other hosts nor received from them', async () => {
    const host = new LocalHost('');
    try {
      const here = await host.local(4, 10);
      const error = await rejection(here.serve());
      expect(error.code).to.equal('REFUSED');
      const { code } = await rejection(host.makeRemote('tcp://127.0.0.1:9').start());
      expect(code).to.equal('BAD_OPTION');
    } finally {
      await host.close();
    }
  });

  it('a flow is served at one address, and a second call returns the first address', async () => {
    const host = new LocalHost();
    try {
      const here = await host.local(4, 10);
      expect(await here.serve()).to.equal(await here.serve('tcp://127.0.0.1:1'));
      const { code } = await rejection((await host.local(4, 10, {}, 'others')).serve('tls://127.0.0.1:0'));
      expect(code).to.equal('BAD_OPTION');
    } finally {
      await host.close();
    }
  });
});
