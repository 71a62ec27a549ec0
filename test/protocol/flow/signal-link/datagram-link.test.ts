/** The datagram link: the conformance suite of links, and what only datagrams do. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { expect } from 'chai';

import { KEEPALIVE_INTERVAL_MS } from '../../../../protocol/flow/signal-link/datagram-connection.js';
import { datagramLink } from '../../../../protocol/flow/signal-link/datagram-link.js';
import { encodeMessage, MessageKind } from '../../../../protocol/flow/signal-link/messages.js';
import { UnixDatagramSocket } from '../../../../protocol/flow/signal-link/unix-datagram.js';
import { eventually } from '../../../kit/eventually.js';
import { ManualClock } from '../../../kit/manual-clock.js';
import { describeLinkConformance, Recorder } from './conformance.js';

let rawPeers = 0;

const clientPath = (directory: string, number: number): string =>
  join(directory, `client.${number.toString(16).padStart(16, '0')}`);

/** A datagram of the link `number`: LINK, then one message. */
function datagram(kind: MessageKind, value: number, number = 1): Buffer {
  const bytes = Buffer.alloc(32);
  encodeMessage(bytes, 0, MessageKind.LINK, number);
  encodeMessage(bytes, 16, kind, value);
  return bytes;
}

describeLinkConformance('datagram', datagramLink(), async (path, bytes) => {
  const socket = new UnixDatagramSocket();
  socket.bind(clientPath(dirname(path), rawPeers++));
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

  const hello = datagram(MessageKind.HELLO, 1);

  it('a datagram link server ignores a HELLO from a path that is not a client’s', async () => {
    const server = datagramLink().createServer();
    await server.listen(path);
    const outside = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    const unknownPeers = [
      join(directory, 'precious'),
      join(directory, 'client.0123456789ABCDEF'),
      join(directory, 'client.0123456789abcdef0'),
      join(outside, 'client.0123456789abcdef'),
      `${directory}/../${directory.split('/').at(-1)}/client.0123456789abcdef`,
    ].map((strange) => {
      const socket = new UnixDatagramSocket();
      socket.bind(strange);
      socket.send(hello, hello.length, path);
      return socket;
    });
    const nameless = new UnixDatagramSocket();
    nameless.send(hello, hello.length, path);
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
    socket.bind(clientPath(directory, 0));
    socket.send(hello, hello.length, path);
    const peer = await accepted;
    socket.send(hello, 31, path);
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
    const orphan = clientPath(directory, 0xaa);
    const living = new UnixDatagramSocket();
    living.bind(clientPath(directory, 0xbb));
    const dead = new UnixDatagramSocket();
    dead.bind(`${orphan}.tmp`);
    const { renameSync } = await import('node:fs');
    renameSync(`${orphan}.tmp`, orphan);
    dead.close();
    expect(existsSync(orphan)).to.equal(true);
    const server = datagramLink().createServer();
    await server.listen(path);
    expect(readdirSync(directory).sort()).to.deep.equal(['client.00000000000000bb', 'link.dgram']);
    living.close();
    await server.close();
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('a datagram link repeats its newest count until a newer one replaces it', async () => {
    const clock = new ManualClock();
    const received: string[] = [];
    let wake = (): void => {};
    const socket = new UnixDatagramSocket((bytes) => {
      if (bytes.length > 0) received.push(`${bytes.readUInt32LE(16)} ${bytes.readUInt32LE(24)}`);
      wake();
    });
    socket.bind(path);
    const datagrams = async (count: number): Promise<void> => {
      while (received.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    const client = await datagramLink(clock).connect(path);
    client.signal(MessageKind.HELLO, 1);
    await datagrams(1);
    clock.advance(KEEPALIVE_INTERVAL_MS);
    await datagrams(2);
    client.signal(MessageKind.ACK, 9);
    for (let keepalives = 3; keepalives < 10; keepalives += 1) {
      await datagrams(keepalives);
      clock.advance(KEEPALIVE_INTERVAL_MS);
    }
    await datagrams(10);
    client.signal(MessageKind.ACK, 10);
    await datagrams(11);
    clock.advance(KEEPALIVE_INTERVAL_MS);
    await datagrams(12);
    const [ack9, ack10] = [`${MessageKind.ACK} 9`, `${MessageKind.ACK} 10`];
    const opening = [`${MessageKind.HELLO} 1`, `${MessageKind.ALIVE} 0`];
    expect(received).to.deep.equal([...opening, ...Array<string>(8).fill(ack9), ack10, ack10]);
    client.close();
    socket.close();
  });

  it('a lost datagram delays a count until the next keepalive', async () => {
    const server = datagramLink().createServer();
    const accepted = new Promise<Recorder>((resolve) =>
      server.onConnection((link) => resolve(new Recorder(link))),
    );
    const behind = `${path}.behind`;
    await server.listen(behind);
    let losing = false;
    // Stands between client and server, under the server's path, and drops datagrams that the test
    // selects.
    const between = new UnixDatagramSocket((bytes) => {
      if (!losing && bytes.length > 0) forward.send(bytes, bytes.length, behind);
      losing = false;
    });
    between.bind(path);
    const forward = new UnixDatagramSocket();
    forward.bind(clientPath(directory, 1));
    const client = await datagramLink().connect(path);
    client.signal(MessageKind.HELLO, 1);
    const peer = await accepted;
    losing = true;
    client.signal(MessageKind.ACK, 5);
    await peer.received(MessageKind.ACK, 5);
    expect(peer.messages.filter(([kind]) => kind === MessageKind.ACK)[0]).to.deep.equal([
      MessageKind.ACK,
      5,
      0,
    ]);
    client.close();
    between.close();
    forward.close();
    await server.close();
  });

  it('a client has one socket for its links to all servers of a directory, and two links to one server', async () => {
    const other = join(directory, 'other.dgram');
    const servers = [datagramLink().createServer(), datagramLink().createServer()];
    const accepted: Recorder[] = [];
    for (const server of servers) server.onConnection((link) => void accepted.push(new Recorder(link)));
    await servers[0]!.listen(path);
    await servers[1]!.listen(other);
    const transport = datagramLink();
    const clients: Recorder[] = [];
    for (const [index, place] of [path, path, other].entries()) {
      const client = new Recorder(await transport.connect(place));
      client.link.signal(MessageKind.HELLO, index);
      clients.push(client);
    }
    await eventually(() => accepted.length === 3, 'all links are accepted');
    expect(readdirSync(directory).filter((name) => name.startsWith('client.'))).to.have.length(1);
    accepted.forEach(({ link }, index) => link.signal(MessageKind.PUBLISHED, 100 + index));
    await Promise.all(clients.map((client) => client.until(() => client.messages.length > 0)));
    const byHello = accepted.map(({ messages }) => messages[0]?.[1] ?? -1);
    clients.forEach(({ messages }, index) => expect(messages[0]?.[1]).to.equal(100 + byHello.indexOf(index)));
    clients[0]!.link.close();
    await Promise.race(accepted.map((peer) => peer.ended()));
    expect(servers.map(({ connectionCount }) => connectionCount)).to.deep.equal([1, 1]);
    expect(clients.map(({ link }) => link.closed)).to.deep.equal([true, false, false]);
    for (const client of clients) client.link.close();
    expect(readdirSync(directory).filter((name) => name.startsWith('client.'))).to.deep.equal([]);
    for (const server of servers) await server.close();
  });

  it('the links of a client whose socket file was removed end, and the next has another socket', async () => {
    const clock = new ManualClock();
    const server = datagramLink().createServer();
    await server.listen(path);
    const transport = datagramLink(clock);
    const client = new Recorder(await transport.connect(path));
    const [file] = readdirSync(directory).filter((name) => name.startsWith('client.'));
    rmSync(join(directory, file!));
    clock.advance(KEEPALIVE_INTERVAL_MS);
    await client.ended();
    expect(client.ends[0]).to.have.nested.property('error.code', 'TRANSPORT_ERROR');
    const accepted = new Promise<void>((resolve) => server.onConnection(() => resolve()));
    const next = await transport.connect(path);
    next.signal(MessageKind.HELLO, 1);
    await accepted;
    next.close();
    await server.close();
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
