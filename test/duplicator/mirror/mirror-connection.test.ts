/** The connection to a mirror service, against a TCP server of the test. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { MirrorConnection, type ReplyReceiver } from '../../../duplicator/mirror/mirror-connection.js';
import { systemClock, type Clock } from '../../../protocol/base/clock.js';
import { MIRROR_MESSAGE, encodeMirrorHeader } from '../../../protocol/spectcl/mirror-messages.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { rejection } from '../../protocol/rpc/xml-rpc/outcome.js';

const HEADER = 5_600_000;
const CHANNELS = 1000;

/** Receives any reply into a memory of its own. */
const receiver = (bytes: number): ReplyReceiver => ({ memoryFor: () => Buffer.alloc(bytes) });

describe('a mirror connection', () => {
  let server: Server;
  let serve: (socket: Socket, request: Buffer) => void;
  const sockets: Socket[] = [];
  const abort = { controller: new AbortController() };

  beforeEach(async () => {
    abort.controller = new AbortController();
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => serve(socket, chunk));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    abort.controller.abort();
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
  });

  const open = (silenceMs = 60_000, clock: Clock = systemClock): Promise<MirrorConnection> =>
    MirrorConnection.open({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      connectMs: 60_000,
      silenceMs,
      silent: () => undefined,
      clock,
      signal: abort.controller.signal,
    });

  it('a reply is received at its place in the supplied memory, whatever pieces it arrives in', async () => {
    const message = Buffer.concat([
      encodeMirrorHeader(MIRROR_MESSAGE.PARTIAL_UPDATE, 5),
      Buffer.from('abcde'),
    ]);
    serve = (socket) => {
      socket.setNoDelay(true);
      for (const byte of message) socket.write(Buffer.from([byte]));
    };
    const connection = await open();
    for (let round = 0; round < 3; round += 1) {
      const memory = Buffer.alloc(HEADER + CHANNELS);
      const reply = await connection.request(CHANNELS, {
        memoryFor: (kind) => {
          expect(kind).to.equal('partial');
          return memory;
        },
      });
      expect([reply.kind, reply.bodyBytes]).to.deep.equal(['partial', 5]);
      expect(memory.toString('latin1', HEADER, HEADER + 6)).to.equal('abcde\0');
      expect(memory.subarray(0, HEADER).every((byte) => byte === 0)).to.equal(true);
    }
    connection.destroy();
    connection.destroy();
    expect((await rejection(connection.request(CHANNELS, receiver(0)))).code).to.equal('SOURCE_UNREACHABLE');
  });

  it('the time of the receiver does not count as time of the source', async () => {
    const bytes = 2 ** 20;
    serve = (socket) => {
      socket.write(encodeMirrorHeader(MIRROR_MESSAGE.PARTIAL_UPDATE, bytes));
      socket.write(Buffer.alloc(bytes));
    };
    const clock = new ManualClock();
    const connection = await open(60_000, clock);
    let receiverMs = 0;
    const reply = await connection.request(bytes, {
      ...receiver(HEADER + bytes),
      arrived: () => {
        clock.advance(100);
        receiverMs += 100;
      },
    });
    expect(receiverMs).to.be.greaterThan(0);
    expect([reply.receivedMs - reply.requestedMs, reply.sourceMs]).to.deep.equal([receiverMs, 0]);
    connection.destroy();
  });

  it('an update may be empty, and a second request is refused while one is in flight', async () => {
    serve = (socket) => socket.write(encodeMirrorHeader(MIRROR_MESSAGE.PARTIAL_UPDATE, 0));
    const connection = await open();
    const first = connection.request(CHANNELS, receiver(HEADER));
    const second: unknown = await connection
      .request(CHANNELS, receiver(HEADER))
      .catch((error: unknown) => error);
    expect(String(second)).to.contain('in flight');
    expect((await first).bodyBytes).to.equal(0);
  });

  it('data without a request end the connection with SOURCE_PROTOCOL', async () => {
    const message = encodeMirrorHeader(MIRROR_MESSAGE.PARTIAL_UPDATE, 0);
    serve = (socket) => socket.write(Buffer.concat([message, message]));
    const connection = await open();
    await connection.request(CHANNELS, receiver(HEADER));
    const closed = new Promise<void>((resolve) => sockets[0]!.once('close', () => resolve()));
    await closed;
    expect((await rejection(connection.request(CHANNELS, receiver(0)))).code).to.equal('SOURCE_PROTOCOL');
  });

  it('the abort signal ends a connection, made or not', async () => {
    serve = () => undefined;
    const connection = await open(60_000);
    const waiting = rejection(connection.request(CHANNELS, receiver(0)));
    abort.controller.abort();
    expect((await waiting).code).to.equal('SOURCE_UNREACHABLE');
    expect((await rejection(open())).code).to.equal('SOURCE_UNREACHABLE');
  });
});
