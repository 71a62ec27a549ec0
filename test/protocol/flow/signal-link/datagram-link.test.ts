/** The datagram link: the conformance suite of links, and what only datagrams do. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { expect } from 'chai';

import { datagramLink } from '../../../../protocol/flow/signal-link/datagram-link.js';
import { encodeMessage, MessageKind } from '../../../../protocol/flow/signal-link/messages.js';
import { UnixDatagramSocket } from '../../../../protocol/flow/signal-link/unix-datagram.js';
import { describeLinkConformance, Recorder } from './conformance.js';

let rawPeers = 0;

describeLinkConformance('datagram', datagramLink(), async (path, bytes) => {
  const socket = new UnixDatagramSocket();
  socket.bind(`${path}.${String(rawPeers++).padStart(16, '0')}`);
  socket.send(bytes, bytes.length, path);
  return () => socket.close();
});

describe('a datagram link alone', () => {
  let directory = '';
  let path = '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = join(directory, 'link.dgram');
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const hello = Buffer.alloc(16);
  encodeMessage(hello, 0, MessageKind.HELLO, 1);

  it('a datagram link server ignores a HELLO from a path that is not a client’s', async () => {
    const server = datagramLink().createServer();
    await server.listen(path);
    const outside = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    const unknownPeers = [
      join(directory, 'precious'),
      `${path}.0123456789ABCDEF`,
      `${path}.0123456789abcdef0`,
      join(outside, 'link.dgram.0123456789abcdef'),
      `${directory}/../${directory.split('/').at(-1)}/link.dgram.0123456789abcdef`,
    ].map((strange) => {
      const socket = new UnixDatagramSocket();
      socket.bind(strange);
      socket.send(hello, 16, path);
      return socket;
    });
    const nameless = new UnixDatagramSocket();
    nameless.send(hello, 16, path);
    // Datagrams come in order, so that an accepted client proves that the others were passed over.
    const accepted = new Promise<void>((resolve) => server.onConnection(() => resolve()));
    const client = await datagramLink().connect(path);
    client.signal(MessageKind.HELLO, 2);
    await accepted;
    expect(server.connectionCount).to.equal(1);
    for (const socket of [...unknownPeers, nameless]) socket.close();
    client.close();
    await server.close();
    expect(readdirSync(outside)).to.deep.equal([]);
    rmSync(outside, { recursive: true });
  });

  it('a datagram link ends at a datagram that is not a number of whole messages', async () => {
    const server = datagramLink().createServer();
    const accepted = new Promise<Recorder>((resolve) =>
      server.onConnection((link) => resolve(new Recorder(link))),
    );
    await server.listen(path);
    const socket = new UnixDatagramSocket();
    socket.bind(`${path}.0123456789abcdef`);
    socket.send(hello, 16, path);
    const peer = await accepted;
    socket.send(hello, 15, path);
    await peer.ended();
    expect(peer.ends[0]).to.have.nested.property('error.code', 'BAD_MESSAGE');
    socket.close();
    await server.close();
  });

  it('a client of an earlier datagram link server learns that its connection has ended', async () => {
    const first = datagramLink().createServer();
    await first.listen(path);
    const connected = new Promise<void>((resolve) => first.onConnection(() => resolve()));
    const client = new Recorder(await datagramLink().connect(path));
    client.link.signal(MessageKind.HELLO, 1);
    await connected;
    // A killed server leaves its socket file and sends no BYE.
    rmSync(path);
    const second = datagramLink().createServer();
    await second.listen(path);
    client.link.signal(MessageKind.ACK, 1);
    await client.ended();
    expect(client.ends).to.deep.equal([{ by: 'peer' }]);
    expect(second.connectionCount).to.equal(0);
    await first.close();
    await second.close();
  });

  it("a datagram link server removes a killed client's socket file and no other", async () => {
    const orphan = `${path}.00000000000000aa`;
    const living = new UnixDatagramSocket();
    living.bind(`${path}.00000000000000bb`);
    const dead = new UnixDatagramSocket();
    dead.bind(`${orphan}.tmp`);
    const { renameSync } = await import('node:fs');
    renameSync(`${orphan}.tmp`, orphan);
    dead.close();
    expect(existsSync(orphan)).to.equal(true);
    const server = datagramLink().createServer();
    await server.listen(path);
    expect(readdirSync(directory).sort()).to.deep.equal(['link.dgram', 'link.dgram.00000000000000bb']);
    living.close();
    await server.close();
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('a datagram link repeats the newest count a few times and then sends keepalives', async () => {
    const received: number[] = [];
    let enough = (): void => {};
    const socket = new UnixDatagramSocket((bytes) => {
      if (bytes.length >= 16) received.push(bytes.readUInt32LE(0));
      if (received.includes(MessageKind.ALIVE)) enough();
    });
    const done = new Promise<void>((resolve) => (enough = resolve));
    socket.bind(path);
    const client = await datagramLink().connect(path);
    client.signal(MessageKind.ACK, 9);
    await done;
    expect(received).to.deep.equal([...Array<number>(4).fill(MessageKind.ACK), MessageKind.ALIVE]);
    client.close();
    socket.close();
  });

  it('a datagram link in a worker thread is refused with the alternative before the addon is loaded', async () => {
    const module = new URL('../../../../protocol/flow/signal-link/datagram-link.js', import.meta.url).href;
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      // Nothing else keeps a thread that waits for a module.
      const alive = setInterval(() => undefined, 1000);
      const say = (error) => { parentPort.postMessage(error.code + ' ' + error.message); clearInterval(alive); };
      import(workerData).then(({ datagramLink }) => datagramLink()).then(() => say(new Error('it works')), say);`;
    const worker = new Worker(code, { eval: true, workerData: module });
    const [message] = (await once(worker, 'message')) as [string];
    expect(message).to.match(/^BAD_OPTION .*use stream links/);
    await once(worker, 'exit');
  });
});
