/** XML-RPC over HTTP: client and server together, and requests that are not XML-RPC. */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { MirrorflowError } from '../../../../protocol/base/errors.js';
import { decodeResponse, encodeCall } from '../../../../protocol/rpc/xml-rpc/codec.js';
import { HttpRpcClient } from '../../../../protocol/rpc/xml-rpc/http-client.js';
import { HttpRpcServer, type HttpRpcServerOptions } from '../../../../protocol/rpc/xml-rpc/http-server.js';
import { Sample, type SampleContext } from './sample-contract.js';
import { closeOf, rejection } from './outcome.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

describe('XML-RPC over HTTP', () => {
  let served: Sample;
  let port = 0;
  const cleanups: (() => unknown)[] = [];

  async function serve(options: Partial<HttpRpcServerOptions<SampleContext>> = {}) {
    const server = new HttpRpcServer(served.dispatcher, {
      context: ({ socket }) => ({ caller: socket.remoteAddress ?? 'local' }),
      authentication: 'none',
      log: served.log,
      ...options,
    });
    cleanups.push(() => server.close());
    const bound = await server.listen({ host: '127.0.0.1', port: 0 });
    port = 'port' in bound ? bound.port : 0;
    return server;
  }

  function client(timeoutMs?: number): HttpRpcClient {
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    const client = new HttpRpcClient({ host: '127.0.0.1', port }, options);
    cleanups.push(() => client.close());
    return client;
  }

  /** Sends bytes and returns all bytes received until the connection is closed. */
  async function exchangeRaw(bytes: string | Buffer, end = false): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port });
    let received = '';
    socket.on('data', (data) => (received += String(data)));
    socket.on('error', () => undefined);
    socket.write(bytes);
    if (end) socket.end();
    await closeOf(socket);
    return received;
  }

  const post = (
    body: string | Buffer,
    headers: Record<string, string> = {},
    path = '/RPC2',
  ): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body: new Uint8Array(Buffer.from(body)),
      headers: { 'content-type': 'text/xml', ...headers },
    });

  beforeEach(() => {
    served = new Sample();
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });

  it('calls, results and errors with their facts are carried over HTTP', async () => {
    await serve();
    const caller = client();
    expect(await caller.call('sample.add', [2 ** 40, 1])).to.equal(2 ** 40 + 1);
    expect(await caller.call('sample.echo', ['\r\n \u{1f600} ]]>'])).to.equal('\r\n \u{1f600} ]]>');
    const error = await rejection(caller.call('sample.fail', ['ours']));
    expect(error.code).to.equal('UNKNOWN_FLOW');
    expect(error.message).to.equal('there is no flow x');
    expect(error.facts).to.deep.equal({ flow: 'x', count: 3 });
    expect((await rejection(caller.call('nope', []))).code).to.equal('METHOD_NOT_FOUND');
  });

  it('texts of every length and alphabet arrive unchanged in both directions', async () => {
    await serve();
    const caller = client();
    for (const count of [1, 5_000, 200_000]) {
      const text = '\u00e9\u20ac\u{1f600}&'.repeat(count);
      expect((await caller.call('sample.echo', [text])) === text, `${count} repetitions`).to.equal(true);
    }
  });

  it('a server on a Unix socket never replaces the socket of a running server', async () => {
    const directory = new TemporaryDirectory();
    cleanups.push(() => directory.remove());
    const target = { path: directory.file('rpc.sock') };
    const options = {
      context: () => ({ caller: 'x' }),
      authentication: 'none' as const,
      log: served.log,
    };
    const first = new HttpRpcServer(served.dispatcher, options);
    cleanups.push(() => first.close());
    await first.listen(target);
    const second = new HttpRpcServer(served.dispatcher, options);
    expect((await rejection(second.listen(target))).code).to.equal('ADDRESS_IN_USE');
    const caller = new HttpRpcClient(target);
    cleanups.push(() => caller.close());
    expect(await caller.call('sample.add', [1, 2])).to.equal(3);
  });

  it('a body that is not a call is answered with a fault', async () => {
    await serve();
    for (const body of ['garbage', '', '<methodCall>', '<html/>']) {
      const response = await post(body);
      expect(response.status).to.equal(200);
      expect(await response.text()).to.include('<int>-32700</int>');
    }
  });

  it('a fault has only its two members for callers that did not request facts', async () => {
    await serve();
    const answer = await (await post(encodeCall('sample.fail', ['ours']))).text();
    expect(answer).not.to.include('facts');
    expect(await (await post(encodeCall('sample.fail', ['ours']), {}, '/')).text()).to.equal(answer);
  });

  it('a request that is not XML-RPC goes to the fallback, else is answered with an HTTP status', async () => {
    await serve({
      fallback: (request, response) => {
        if (request.url !== '/page') return false;
        response.end('a page');
        return true;
      },
    });
    const base = `http://127.0.0.1:${port}`;
    expect((await fetch(`${base}/else`)).status).to.equal(404);
    expect((await post('x', {}, '/else')).status).to.equal(404);
    const get = await fetch(`${base}/RPC2`);
    expect([get.status, get.headers.get('allow')]).to.deep.equal([405, 'POST']);
    expect((await post('x', { 'content-type': 'text/plain' })).status).to.equal(415);
    expect((await post('x', { 'content-encoding': 'gzip' })).status).to.equal(415);
    expect(await (await fetch(`${base}/page`)).text()).to.equal('a page');
  });

  it('a body that is too large, by its header or as it arrives, is refused with 413', async () => {
    await serve({ limits: { bodyBytes: 1000 } });
    const head = 'POST /RPC2 HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\n';
    expect(await exchangeRaw(`${head}content-length: 100000000\r\n\r\n`)).to.match(/^HTTP\/1.1 413/);
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    expect(await exchangeRaw(`${head}transfer-encoding: chunked\r\n\r\n${chunk}`)).to.match(/^HTTP\/1.1 413/);
  });

  it('bytes that are not HTTP are answered with 400 and logged', async () => {
    await serve();
    expect(await exchangeRaw('\x00\x01\x02garbage\r\n\r\n')).to.match(/^HTTP\/1.1 400/);
    await exchangeRaw(
      'POST /RPC2 HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\ncontent-length: 10\r\n\r\nabc',
      true,
    );
    expect(served.logged('connection dropped').length).to.be.greaterThan(0);
    expect(await client().call('sample.add', [1, 1])).to.equal(2);
  });

  it('a request that is not completed in time is answered with 408', async () => {
    await serve({ limits: { headersTimeoutMs: 50, requestTimeoutMs: 50, timeoutCheckMs: 20 } });
    expect(await exchangeRaw('POST /RPC2 HTTP/1.1\r\nhost: x\r\n')).to.match(/^HTTP\/1.1 408/);
    const head = 'POST /RPC2 HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\ncontent-length: 10\r\n\r\n';
    expect(await exchangeRaw(`${head}abc`)).to.match(/^HTTP\/1.1 408/);
  });

  it('connections beyond the bound are closed and logged', async () => {
    await serve({ limits: { connections: 1 } });
    const first = connect({ host: '127.0.0.1', port });
    cleanups.push(() => first.destroy());
    await once(first, 'connect');
    expect(await exchangeRaw('')).to.equal('');
    expect(served.logged('too many')).to.have.length(1);
  });

  it('an error of the context is the result of the call', async () => {
    await serve({
      context: () => {
        throw new MirrorflowError('NOT_PERMITTED', 'not you');
      },
    });
    const error = await rejection(client().call('sample.add', [1, 1]));
    expect([error.code, error.message]).to.deep.equal(['NOT_PERMITTED', 'not you']);
  });

  it('closing a server waits for its running calls', async () => {
    const server = await serve();
    const answer = client().call('sample.wait', []);
    await served.waitingCalls(1);
    const closed = server.close();
    expect(server.close()).to.equal(closed);
    served.waiting[0]?.('done');
    expect(await answer).to.equal('done');
    await closed;
    expect((await rejection(client().call('sample.add', [1, 1]))).code).to.equal('TRANSPORT_ERROR');
  });

  it('closing a server waits a bounded time for a running call', async () => {
    const server = await serve({ limits: { closeGraceMs: 20 } });
    const answer = rejection(client().call('sample.wait', []));
    await served.waitingCalls(1);
    await server.close();
    expect((await answer).code).to.equal('TRANSPORT_ERROR');
  });

  it('a failure to listen is reported with the address and the remedy', async () => {
    await serve();
    const another = new HttpRpcServer(served.dispatcher, {
      context: () => ({ caller: 'x' }),
      authentication: 'none',
      log: served.log,
    });
    const taken = await rejection(another.listen({ host: '127.0.0.1', port }));
    expect(taken.code).to.equal('ADDRESS_IN_USE');
    expect(taken.message).to.include(`tcp://127.0.0.1:${port}`).and.include('choose another');
    const nowhere = await rejection(another.listen({ path: '/nonexistent-directory/x.sock' }));
    expect([nowhere.code, nowhere.message.includes('directory does not exist')]).to.deep.equal([
      'BAD_ADDRESS',
      true,
    ]);
    expect((await rejection(another.listen({ path: `/tmp/${'x'.repeat(200)}` }))).code).to.equal(
      'BAD_ADDRESS',
    );
  });

  describe('client', () => {
    /** Starts an HTTP server with this response; undefined: it closes every connection. */
    async function serveForeign(answer: { status: number; text: string } | undefined) {
      const server = createServer((request, response) => {
        request.resume();
        if (answer === undefined) response.destroy();
        else response.writeHead(answer.status).end(answer.text);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
      cleanups.push(() => {
        server.close();
        server.closeAllConnections();
      });
    }

    it('a refused connection is reported with the address', async () => {
      const server = await serve();
      await server.close();
      const error = await rejection(client().call('a', []));
      expect(error.code).to.equal('TRANSPORT_ERROR');
      expect(error.message).to.equal(`cannot connect to tcp://127.0.0.1:${port}: no server listens there`);
    });

    it('a call is rejected at its timeout, when it is aborted, and when the client is closed', async () => {
      await serve({ limits: { closeGraceMs: 20 } });
      expect((await rejection(client(20).call('sample.wait', []))).code).to.equal('TIMED_OUT');
      const abort = new AbortController();
      const aborted = rejection(client().call('sample.wait', [], { signal: abort.signal }));
      abort.abort(new MirrorflowError('STOPPED', 'enough'));
      expect((await aborted).code).to.equal('STOPPED');
      const closing = client();
      const closed = rejection(closing.call('sample.wait', []));
      closing.close();
      expect((await closed).code).to.equal('CLOSED');
      expect((await rejection(closing.call('sample.add', [1, 2]))).code).to.equal('CLOSED');
    });

    it('the response of a server that does not speak XML-RPC is reported', async () => {
      await serveForeign({ status: 503, text: 'try again\nlater' });
      const busy = await rejection(client().call('a', []));
      expect([busy.code, busy.message.includes('503: try again later')]).to.deep.equal([
        'TRANSPORT_ERROR',
        true,
      ]);
      await serveForeign({ status: 200, text: '<html>' });
      expect((await rejection(client().call('a', []))).code).to.equal('PARSE_ERROR');
      await serveForeign(undefined);
      expect((await rejection(client().call('a', []))).code).to.equal('TRANSPORT_ERROR');
      await serveForeign({ status: 200, text: 'x'.repeat(5 * 1024 * 1024) });
      expect((await rejection(client().call('a', []))).message).to.include('more than');
    });
  });

  it('a response is one complete document of type text/xml', async () => {
    await serve();
    const response = await post(encodeCall('sample.echo', [['a', 'b']]));
    expect(response.headers.get('content-type')).to.include('text/xml');
    expect(decodeResponse(Buffer.from(await response.arrayBuffer()))).to.deep.equal(['a', 'b']);
  });
});
