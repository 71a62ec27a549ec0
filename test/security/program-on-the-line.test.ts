/**
 * Tests that a program without the secret on the line between two hosts has no effect: it changes,
 * repeats and reflects what they send, and stands between two TLS connections. Real sockets.
 */
import { expect } from 'chai';
import { Sample, type SampleContext } from '../protocol/rpc/xml-rpc/sample-contract.js';
import { rejection } from '../protocol/rpc/xml-rpc/outcome.js';
import { LocalHost } from '../kit/local-host.js';
import { eventually } from '../kit/eventually.js';
import { makeCertificate } from '../kit/certificate.js';
import { skip } from '../kit/skip.js';
import { silent } from '../kit/silent-log.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { readSecurity, securityFiles } from '../../protocol/rpc/security/options.js';
import { readTlsIdentity } from '../../protocol/rpc/security/tls.js';
import { TLS_LISTENER } from '../../protocol/rpc/security/transport.js';
import { Secret } from '../../protocol/rpc/security/secret.js';
import { acceptControl, connectControl } from '../../protocol/rpc/xml-rpc/control-socket.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { ManInTheMiddle, type Change } from './man-in-the-middle.js';

const BYTES = 60_000;

/** Buffers of BYTES whose bytes are all their sequence + 1. */
function isWhole(data: Uint8Array, sequence: number): boolean {
  return data.length === BYTES && data.every((byte) => byte === (sequence + 1) % 251);
}

describe('a program on the line between two duplicators', () => {
  const hosts: LocalHost[] = [];
  let program: ManInTheMiddle | undefined;

  const host = (): LocalHost => {
    const made = new LocalHost();
    hosts.push(made);
    return made;
  };

  afterEach(async () => {
    for (const made of hosts.splice(0).toReversed()) await made.close();
    await program?.close();
    program = undefined;
  });

  /** Sends `count` buffers through a program; returns what a lossless consumer received. */
  async function transfer(count: number, change: Change, integrity: 'on' | 'off' = 'on') {
    const sender = host();
    const here = await sender.local(8, BYTES, { integrity });
    program = await ManInTheMiddle.inFrontOf(await here.serve(), change);
    const receiver = host();
    const there = await receiver.remote(`tcp://127.0.0.1:${program.port}`, { integrity });
    const input = await there.consumer();
    const output = await here.provider();
    const received: { readonly sequence: number; readonly whole: boolean }[] = [];
    const taking = (async () => {
      while (received.length < count) {
        const buffer = await input.take();
        if (buffer === undefined) return;
        received.push({ sequence: buffer.sequence, whole: isWhole(buffer.bytes, buffer.sequence) });
        buffer.release();
      }
    })();
    for (let sequence = 0; sequence < count; sequence += 1)
      await output.write(Buffer.alloc(BYTES, (sequence + 1) % 251));
    await taking;
    return { received, lost: input.lost, receiver, connections: program.connections };
  }

  const complete = (count: number) =>
    Array.from({ length: count }, (_, sequence) => ({ sequence, whole: true }));

  /** A change of the bytes that reach the receiver on the first connection, behind `skip` bytes. */
  function once(skip: number, change: (bytes: Buffer) => Buffer): Change {
    let seen = 0;
    let done = false;
    return (bytes, way, connection) => {
      if (way !== 'to-caller' || connection !== 1) return bytes;
      seen += bytes.length;
      if (done || seen < skip + bytes.length / 2 || bytes.length < 1_000) return bytes;
      done = true;
      return change(Buffer.from(bytes));
    };
  }

  it('a changed byte of a buffer ends the link, and every buffer arrives as it was sent', async () => {
    const change = once(3 * BYTES, (bytes) => {
      const at = bytes.length >>> 1;
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      return bytes;
    });
    const { received, lost, connections } = await transfer(30, change);
    expect(received).to.deep.equal(complete(30));
    expect(lost).to.equal(0);
    expect(connections).to.be.above(1);
  });

  it('repeated bytes end the link, and every buffer arrives once', async () => {
    const { received, connections } = await transfer(
      30,
      once(3 * BYTES, (bytes) => Buffer.concat([bytes, bytes])),
    );
    expect(received).to.deep.equal(complete(30));
    expect(connections).to.be.above(1);
  });

  it('bytes of the receiver that are sent back to it end the link', async () => {
    let sent: Buffer | undefined;
    let reflected = false;
    const change: Change = (bytes, way, connection) => {
      if (connection !== 1) return bytes;
      // The record of a control frame has 68 bytes.
      if (way === 'to-listener' && bytes.length === 68) sent = Buffer.from(bytes);
      if (way === 'to-listener' || sent === undefined || reflected) return bytes;
      reflected = true;
      return Buffer.concat([sent, bytes]);
    };
    const { received, connections } = await transfer(40, change);
    expect(received).to.deep.equal(complete(40));
    expect(reflected).to.equal(true);
    expect(connections).to.be.above(1);
  });

  it('with integrity off on both hosts a changed buffer arrives, as docs/security.md says', async () => {
    const change = once(3 * BYTES, (bytes) => {
      bytes[bytes.length - 100] = 255;
      return bytes;
    });
    const { received, connections } = await transfer(20, change, 'off');
    expect(received.filter(({ whole }) => !whole)).to.have.length(1);
    expect(connections).to.equal(1);
  });

  it('integrity off on one host alone does not turn integrity off', async () => {
    const here = await host().local(8, BYTES, { integrity: 'off' });
    const changed = once(0, (bytes) => {
      bytes[bytes.length >>> 1] = 255;
      return bytes;
    });
    program = await ManInTheMiddle.inFrontOf(await here.serve(), changed);
    const there = await host().remote(`tcp://127.0.0.1:${program.port}`);
    const input = await there.consumer();
    const output = await here.provider();
    await output.write(Buffer.alloc(BYTES, 1));
    const buffer = await input.take();
    expect(isWhole(buffer?.bytes ?? Buffer.alloc(0), 0)).to.equal(true);
    expect(program.connections).to.be.above(1);
  });

  it('a program between two TLS connections is refused, although its certificate is trusted', async function () {
    const receiver = host();
    const own = makeCertificate(receiver.directory, 'localhost', 'sender');
    const others = makeCertificate(receiver.directory, 'localhost', 'other-host');
    if (own === undefined || others === undefined) return skip(this, 'openssl cannot make a certificate');
    const here = await host().local(8, BYTES, { tlsCert: own.cert, tlsKey: own.key });
    const port = await here.serve('tls://127.0.0.1:0');
    const identity = readTlsIdentity(others.cert, others.key);
    program = await ManInTheMiddle.inFrontOf(port, undefined, identity);
    const tlsCa = others.cert;
    const refused = receiver.makeRemote(`tls://localhost:${program.port}`, { tlsCa });
    const { code, message } = await rejection(refused.start());
    expect(code).to.equal('REFUSED');
    expect(message).to.contain('a program stands between');
    expect(program.connections).to.equal(1);
    await receiver.remote(`tls://localhost:${port}`, { tlsCa: own.cert });
  });

  it('a host with certificates neither connects nor listens without TLS', async function () {
    const receiver = host();
    const files = makeCertificate(receiver.directory);
    if (files === undefined) return skip(this, 'openssl cannot make a certificate');
    const here = await host().local(8, BYTES);
    const port = await here.serve();
    for (const settings of [{ tlsCa: files.cert }, { tlsCert: files.cert, tlsKey: files.key }]) {
      const { code, message } = await rejection(
        receiver.makeRemote(`tcp://127.0.0.1:${port}`, settings).start(),
      );
      expect(code).to.equal('REFUSED');
      expect(message).to.contain('connects with TLS only');
      const exposed = await receiver.local(4, 10, settings, `f${Object.keys(settings).length}`);
      expect((await rejection(exposed.serve('tcp://0.0.0.0:0'))).message).to.contain('with TLS only');
    }
  });
});

describe('a program on the line between two host servers', () => {
  const SECRET = new Secret('a secret of the whole lab');
  const directory = new TemporaryDirectory();
  const closing: (() => unknown)[] = [];
  let served: Sample;

  beforeEach(() => {
    served = new Sample();
  });

  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  after(() => directory.remove());

  const session = () => ({
    dispatcher: served.dispatcher,
    context: (): SampleContext => ({ caller: 'host' }),
    log: silent,
  });

  async function listen(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => void server.close(resolve)));
    return (server.address() as AddressInfo).port;
  }

  const accept = (socket: Parameters<typeof acceptControl>[0]): void => {
    void acceptControl(socket, SECRET, session()).then(
      (accepted) => closing.push(() => accepted.destroy()),
      () => undefined,
    );
  };

  async function through(change: Change): Promise<RpcSession<SampleContext>> {
    const program = await ManInTheMiddle.inFrontOf(await listen(createServer(accept)), change);
    closing.push(() => program.close());
    const { trust, identity } = readSecurity(securityFiles({}, {}));
    const address = { scheme: 'tcp', host: '127.0.0.1', port: program.port } as const;
    const caller = await connectControl(address, { secret: SECRET, trust, identity }, session());
    closing.push(() => caller.destroy());
    return caller;
  }

  for (const [what, change] of [
    [
      'changes a call',
      (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('20', '21'), 'latin1'),
    ],
    ['adds a copy of a call', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
    ['adds a call of its own', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(60, 1)])],
  ] as const) {
    it(`a program that ${what} ends the connection, and its call does not run`, async () => {
      let changes = false;
      const caller = await through((bytes, way) =>
        changes && way === 'to-listener' ? change(bytes) : bytes,
      );
      expect(await caller.call('sample.add', [1, 2])).to.equal(3);
      changes = true;
      const answers = await Promise.allSettled([caller.call('sample.add', [20, 2])]);
      await eventually(() => caller.state === 'closed', 'the connection is closed');
      for (const answer of answers) if (answer.status === 'fulfilled') expect(answer.value).to.equal(22);
    });
  }

  it('a program between two TLS connections is refused, although its certificate is trusted', async function () {
    const own = makeCertificate(directory.path, 'localhost', 'host');
    const others = makeCertificate(directory.path, 'localhost', 'other-host');
    if (own === undefined || others === undefined) return skip(this, 'openssl cannot make a certificate');
    const identity = readTlsIdentity(own.cert, own.key);
    const port = await listen(createTlsServer({ ...identity, ...TLS_LISTENER }, accept));
    const program = await ManInTheMiddle.inFrontOf(port, undefined, readTlsIdentity(others.cert, others.key));
    closing.push(() => program.close());
    const connect = (to: number, tlsCa: string) => {
      const { trust } = readSecurity(securityFiles({ tlsCa }, {}));
      const address = { scheme: 'tls', host: 'localhost', port: to } as const;
      return connectControl(address, { secret: SECRET, trust, identity }, session());
    };
    const { code, message } = await rejection(connect(program.port, others.cert));
    expect(code).to.equal('REFUSED');
    expect(message).to.contain('a program stands between');
    const direct = await connect(port, own.cert);
    closing.push(() => direct.destroy());
    expect(await direct.call('sample.add', [1, 2])).to.equal(3);
  });

  it('a host with certificates does not connect without TLS', async function () {
    const files = makeCertificate(directory.path);
    if (files === undefined) return skip(this, 'openssl cannot make a certificate');
    const security = readSecurity(securityFiles({ tlsCa: files.cert }, {}));
    const address = { scheme: 'tcp', host: '127.0.0.1', port: 9 } as const;
    const connecting = connectControl(address, { ...security, secret: SECRET }, session());
    expect((await rejection(connecting)).message).to.contain('connects with TLS only');
  });

  it('the server’s certificate is verified although the environment asks for none', async function () {
    const files = makeCertificate(directory.path);
    if (files === undefined) return skip(this, 'openssl cannot make a certificate');
    const identity = readTlsIdentity(files.cert, files.key);
    const port = await listen(createTlsServer({ ...identity, ...TLS_LISTENER }, accept));
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const { trust } = readSecurity(securityFiles({}, {}));
      const address = { scheme: 'tls', host: 'localhost', port } as const;
      const connecting = connectControl(address, { secret: SECRET, trust, identity: undefined }, session());
      expect((await rejection(connecting)).message).to.contain('certificate');
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });
});
