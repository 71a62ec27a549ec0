/**
 * Floods of a data port and of a port of XML-RPC by programs that do not prove that they know the
 * secret or a token: silent, slow and guessing ones, from one address and from many. They are
 * closed, and keep no other client out. Opens up to 2,100 TCP connections at a time on 127.0.0.0/8.
 */
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { systemClock } from '../../protocol/base/clock.js';
import { Logger } from '../../protocol/base/log.js';
import { CallerHandshake } from '../../protocol/flow/wire/handshake.js';
import { Secret } from '../../protocol/rpc/security/secret.js';
import { PLAIN_TRANSPORT } from '../../protocol/rpc/security/transport.js';
import { HttpAuthentication } from '../../protocol/rpc/xml-rpc/http-authentication.js';
import { HttpRpcClient } from '../../protocol/rpc/xml-rpc/http-client.js';
import { HttpRpcServer } from '../../protocol/rpc/xml-rpc/http-server.js';
import { eventually } from '../kit/eventually.js';
import { LocalHost, SECRET, type LocalHostFlow } from '../kit/local-host.js';
import { Sample } from '../protocol/rpc/xml-rpc/sample-contract.js';
import { closeOf } from '../protocol/rpc/xml-rpc/outcome.js';

const HELLO = {
  application: 'test',
  flow: 'events',
  id: '0'.repeat(32),
  delivery: 'lossy',
  crc: false,
  integrity: 'on',
} as const;
/** A host of the configuration. All addresses of 127.0.0.0/8 are this machine's. */
const PEER = '127.9.9.9';
const BUFFERS = 16;
const BUFFER_BYTES = 1_000;

/** More addresses than those whose failed attempts are counted (`failed-attempts.ts`). */
const GUESSING_ADDRESSES = 1_040;
/** More than an address is allowed. */
const GUESSES = 12;
/** Connections without a proof that the ports keep; further ones close the oldest. */
const UNPROVED_ON_DATA_PORT = 64;
const UNPROVED_ON_RPC_PORT = 128;

describe('a flood on a data port', () => {
  let host: LocalHost;
  let flow: LocalHostFlow;
  let port: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    host = new LocalHost();
    flow = await host.local(BUFFERS, BUFFER_BYTES, { peers: [PEER] });
    port = await flow.serve();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await host.close();
  });

  function open(localAddress: string): Socket {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    sockets.push(socket);
    socket.on('error', () => undefined);
    return socket;
  }

  const addressOf = (index: number): string => `127.1.${index >>> 8}.${index & 0xff}`;

  async function guess(localAddress: string): Promise<void> {
    const socket = open(localAddress);
    socket.write('garbage, garbage');
    socket.resume();
    await closeOf(socket);
  }

  /** Resolves with whether the handshake of a peer with the secret ends with a welcome. */
  function prove(localAddress: string): Promise<boolean> {
    const handshake = new CallerHandshake(new Secret(SECRET), HELLO, PLAIN_TRANSPORT);
    const socket = open(localAddress);
    socket.write(handshake.hello());
    return new Promise((resolve) => {
      socket.on('close', () => resolve(false));
      socket.on('data', (chunk: Buffer) => {
        const step = handshake.push(chunk);
        if (step.kind === 'more' && step.send !== undefined) socket.write(step.send);
        if (step.kind !== 'more') resolve(step.kind === 'welcomed');
      });
    });
  }

  it('guesses from more addresses than are counted lock no other address out', async () => {
    for (let from = 0; from < GUESSING_ADDRESSES; from += 40)
      await Promise.all(Array.from({ length: 40 }, (_, index) => guess(addressOf(from + index))));
    expect(await prove('127.2.0.1')).to.equal(true);
  });

  it('an address that guesses is refused, and a host of the configuration never is', async () => {
    for (let attempt = 0; attempt < GUESSES; attempt += 1) {
      await guess('127.3.0.1');
      await guess(PEER);
    }
    expect([await prove('127.3.0.1'), await prove(PEER)]).to.deep.equal([false, true]);
  });

  it('silent connections of many addresses take no place of a host of the configuration', async () => {
    const silent = Array.from({ length: 300 }, (_, index) => open(addressOf(index)));
    const kept = (): number => silent.filter(({ closed }) => !closed).length;
    await eventually(() => kept() <= UNPROVED_ON_DATA_PORT, 'the others are closed');
    expect(await prove(PEER)).to.equal(true);
    expect(await prove('127.2.0.1'), 'a newcomer').to.equal(true);
  });
});

describe('a flood on a port of XML-RPC', () => {
  const TOKEN = 'a'.repeat(64);
  let served: Sample;
  let server: HttpRpcServer<{ caller: string }>;
  let lines: string[];
  let port = 0;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    served = new Sample();
    lines = [];
    const log = new Logger('test', { sink: (line) => lines.push(line) });
    server = new HttpRpcServer(served.dispatcher, {
      context: () => ({ caller: 'test' }),
      authentication: new HttpAuthentication({
        rightOfToken: (token) => (token === TOKEN ? 'control' : undefined),
        secret: undefined,
        clock: systemClock,
        log,
      }),
      log,
    });
    const bound = await server.listen({ host: '127.0.0.1', port: 0 });
    port = 'port' in bound ? bound.port : 0;
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.close();
  });

  function open(first: string): Socket {
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(first);
    return socket;
  }

  const post = (authorization: string): string =>
    `POST /RPC2 HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\ncontent-length: 1000\r\n${authorization}\r\n`;

  it('slow posts that prove nothing hold no caller with a token out', async () => {
    const slow = Array.from({ length: 2_100 }, () => open(post('')));
    const kept = (): number => slow.filter(({ closed }) => !closed).length;
    await eventually(() => kept() <= UNPROVED_ON_RPC_PORT, 'the others are closed');
    const client = new HttpRpcClient({ host: '127.0.0.1', port }, { token: TOKEN, timeoutMs: 60_000 });
    expect(await client.call('sample.add', [1, 2])).to.equal(3);
    client.close();
  });

  it('a slow post that proves nothing is closed before one that has a token', async () => {
    const proved = open(post(`authorization: Bearer ${TOKEN}\r\n`));
    const unproved = open(post(''));
    await closeOf(unproved);
    expect(proved.closed).to.equal(false);
  });

  it('garbage from a thousand connections fills a few lines of the log', async () => {
    for (let from = 0; from < 1_000; from += 100)
      await Promise.all(Array.from({ length: 100 }, () => closeOf(open('garbage garbage\r\n\r\n').resume())));
    expect(lines.length).to.be.within(1, 10);
  });
});
