/**
 * What strangers get out of a duplicator that serves other hosts: nothing, and nobody else notices.
 */
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { PROOF_BYTES } from '../../../protocol/rpc/security/proof.js';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import { FRAME_BYTES, FrameKind, controlFrame, encodeHeader } from '../../../protocol/flow/wire/frame.js';
import { CallerHandshake } from '../../../protocol/flow/wire/handshake.js';
import {
  HandshakeKind,
  WIRE_VERSION,
  decodeRefusal,
  encodeHandshake,
} from '../../../protocol/flow/wire/handshake-messages.js';
import { eventually } from '../../fixtures/polling.js';
import { closeOf, rejection } from '../../protocol/rpc/xml-rpc/outcome.js';
import { HostRig, SECRET, type RigFlow } from './host-rig.js';

const HELLO = {
  application: 'test',
  flow: 'events',
  id: '0'.repeat(32),
  delivery: 'lossy',
  crc: false,
} as const;

describe('a stranger at a duplicator that serves other hosts', () => {
  let host: HostRig;
  let here: RigFlow;
  let port: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    host = new HostRig();
    here = await host.local(16, 1_000);
    port = await here.serve();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await host.close();
  });

  /** Connects and sends; what comes back is collected. */
  function stranger(first?: Buffer): { socket: Socket; got: () => Buffer } {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let got: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (got = Buffer.concat([got, chunk])));
    socket.on('error', () => undefined);
    if (first !== undefined) socket.write(first);
    return { socket, got: () => got };
  }

  /** Goes through the handshake as somebody who knows this secret; resolves when it is over. */
  function acquaintance(secret: string, hello: object = HELLO): { socket: Socket; over: Promise<string> } {
    const handshake = new CallerHandshake(new Secret(secret), hello as typeof HELLO);
    const { socket } = stranger(handshake.hello());
    const over = new Promise<string>((resolve) => {
      socket.on('close', () => resolve('closed'));
      socket.on('data', (chunk: Buffer) => {
        const step = handshake.push(chunk);
        if (step.kind === 'more' && step.send !== undefined) socket.write(step.send);
        if (step.kind === 'failed') resolve(`${step.error.code}: ${step.error.message}`);
        if (step.kind === 'welcomed') resolve('welcomed');
      });
    });
    return { socket, over };
  }

  const logged = (text: string): boolean => host.log.some((line) => line.includes(text));

  it('is refused with another secret, and so is the sender to him', async () => {
    expect(await acquaintance('another secret than this').over).to.contain('does not know the secret');
    const wrong = new HostRig('yet another secret');
    const error = await rejection(wrong.makeRemote(`tcp://127.0.0.1:${port}`).start());
    expect([error.code, error.message]).to.deep.equal([
      'REFUSED',
      'the other duplicator does not know the secret of this host',
    ]);
    await wrong.close();
    await eventually(() => logged('it went before it had proved anything'), 'the reason in the log');
    expect(here.flow.remotes).to.deep.equal([]);
  });

  it('is told in so many words when his proof is wrong', async () => {
    const { socket, got } = stranger(new CallerHandshake(new Secret(SECRET), HELLO).hello());
    await eventually(() => got().length >= 16 + 64, 'the challenge');
    const challenge = got().length;
    socket.write(encodeHandshake(HandshakeKind.PROOF, Buffer.alloc(PROOF_BYTES)));
    await closeOf(socket);
    expect(decodeRefusal(got().subarray(challenge + 16))).to.deep.equal({
      code: 'REFUSED',
      message: 'the secret is not the one of this host',
    });
    expect(logged('the secret is not the one of this host')).to.equal(true);
  });

  it('gets nowhere with a handshake that he recorded', async () => {
    const sent: Buffer[] = [];
    const { socket, over } = acquaintance(SECRET);
    const write = socket.write.bind(socket);
    socket.write = (chunk: Uint8Array) => {
      sent.push(Buffer.from(chunk));
      return write(chunk);
    };
    expect(await over).to.equal('welcomed');
    const replay = stranger(new CallerHandshake(new Secret(SECRET), HELLO).hello());
    await eventually(() => replay.got().length > 0, 'the challenge');
    replay.socket.write(sent.at(-1) ?? Buffer.alloc(0)); // the proof of the recorded one
    await closeOf(replay.socket);
    expect(logged('the secret is not the one of this host')).to.equal(true);
  });

  it('is refused by version, with both named', async () => {
    const { socket, got } = stranger(
      encodeHandshake(HandshakeKind.HELLO, Buffer.alloc(32), WIRE_VERSION + 1),
    );
    await closeOf(socket);
    const { code, message } = decodeRefusal(got().subarray(16));
    expect(code).to.equal('VERSION_MISMATCH');
    expect(message)
      .to.contain(`version ${WIRE_VERSION + 1}`)
      .and.to.contain(`version ${WIRE_VERSION}`);
  });

  it('learns only with the secret that there is no such flow', async () => {
    const over = acquaintance(SECRET, { ...HELLO, flow: 'secrets' }).over;
    expect(await over).to.match(/^UNKNOWN_FLOW/);
  });

  for (const [what, bytes] of [
    ['something else altogether', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    [
      'a message that claims gigabytes',
      Buffer.concat([
        encodeHandshake(HandshakeKind.HELLO, Buffer.alloc(0)).subarray(0, 12),
        Buffer.from([0xff, 0xff, 0xff, 0x7f]),
      ]),
    ],
    ['a message that does not belong there', encodeHandshake(HandshakeKind.PROOF, Buffer.alloc(32))],
    ['a greeting without a nonce', encodeHandshake(HandshakeKind.HELLO, Buffer.alloc(3))],
    [
      'everything at once',
      Buffer.concat([new CallerHandshake(new Secret(SECRET), HELLO).hello(), Buffer.alloc(100)]),
    ],
  ] as const) {
    it(`is closed when he sends ${what}, and the reason is logged`, async () => {
      const { socket } = stranger(bytes);
      await closeOf(socket);
      await eventually(() => logged('a connection of another host was closed'), 'the reason');
    });
  }

  it('is closed when he sends a byte a second, however long he would go on', async () => {
    const { socket } = stranger();
    const hello = new CallerHandshake(new Secret(SECRET), HELLO).hello();
    let at = 0;
    const drip = setInterval(() => socket.write(hello.subarray(at, (at += 1))), 200);
    await closeOf(socket);
    clearInterval(drip);
    expect(at).to.be.below(hello.length);
    await eventually(() => logged('it proved nothing within'), 'the reason');
  });

  it('costs next to nothing a thousand times over, while others get their flow', async () => {
    const many = Array.from({ length: 1_000 }, () => stranger());
    await eventually(() => many.every(({ socket }) => !socket.connecting), 'all are connected');
    const there = new HostRig();
    const flow = await there.remote(`tcp://127.0.0.1:${port}`);
    const input = await flow.consumer();
    const output = await here.provider();
    await output.write(Buffer.from('as ever'));
    expect(Buffer.from((await input.take())?.data ?? []).toString()).to.equal('as ever');
    await eventually(
      () => many.filter(({ socket }) => !socket.destroyed).length <= 64,
      'the oldest are closed',
    );
    expect(host.log.length).to.be.below(10);
    await input.close();
    await there.close();
  });

  it('is closed for what a receiver does not send', async () => {
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
      const { socket, over } = acquaintance(SECRET);
      expect(await over).to.equal('welcomed');
      socket.write(frame);
      await closeOf(socket);
    }
    expect(here.flow.remotes).to.deep.equal([]);
    expect(host.log.filter((line) => line.includes('was lost')).length).to.equal(5);
  });

  it('is not listened to any more after ten failures', async () => {
    for (let failure = 0; failure < 10; failure += 1)
      await closeOf(stranger(Buffer.from('garbage, garbage')).socket);
    expect(await acquaintance(SECRET).over).to.equal('closed');
    expect(logged('failed too often')).to.equal(true);
  });
});

describe('a flow without a secret', () => {
  it('is served to nobody, on loopback neither, and taken from nobody', async () => {
    const host = new HostRig('');
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

  it('listens once, wherever the second call wants it', async () => {
    const host = new HostRig();
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
