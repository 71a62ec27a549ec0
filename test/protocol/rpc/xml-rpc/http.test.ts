/** XML-RPC over HTTP: our client and server, and whatever else arrives at the port. */
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
import { TemporaryDirectory } from './temporary-directory.js';

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
    const made = new HttpRpcClient({ host: '127.0.0.1', port }, timeoutMs === undefined ? {} : { timeoutMs });
    cleanups.push(() => made.close());
    return made;
  }

  /** Sends bytes as they are and gives all that comes back until the connection is closed. */
  async function raw(bytes: string | Buffer, end = false): Promise<string> {
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

  it('carries calls, results and errors with their facts', async () => {
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

  it('works over a Unix socket, and never takes that of a living server', async () => {
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

  it('answers a fault for a body that is no call', async () => {
    await serve();
    for (const body of ['garbage', '', '<methodCall>', '<html/>']) {
      const response = await post(body);
      expect(response.status).to.equal(200);
      expect(await response.text()).to.include('<int>-32700</int>');
    }
  });

  it('keeps to the two members of a fault for callers that did not ask for facts', async () => {
    await serve();
    const answer = await (await post(encodeCall('sample.fail', ['ours']))).text();
    expect(answer).not.to.include('facts');
    expect(await (await post(encodeCall('sample.fail', ['ours']), {}, '/')).text()).to.equal(answer);
  });

  it('answers other requests with their status, and leaves them to the fallback first', async () => {
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

  it('refuses a body that is announced or grows too large, and closes', async () => {
    await serve({ limits: { bodyBytes: 1000 } });
    const head = 'POST /RPC2 HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\n';
    expect(await raw(`${head}content-length: 100000000\r\n\r\n`)).to.match(/^HTTP\/1.1 413/);
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    expect(await raw(`${head}transfer-encoding: chunked\r\n\r\n${chunk}`)).to.match(/^HTTP\/1.1 413/);
  });

  it('drops garbage on the port and says so in the log', async () => {
    await serve();
    expect(await raw('\x00\x01\x02garbage\r\n\r\n')).to.match(/^HTTP\/1.1 400/);
    await raw(
      'POST /RPC2 HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\ncontent-length: 10\r\n\r\nabc',
      true,
    );
    expect(served.logged('connection dropped').length).to.be.greaterThan(0);
    expect(await client().call('sample.add', [1, 1])).to.equal(2);
  });

  it('drops a slow sender', async () => {
    await serve({ limits: { headersTimeoutMs: 50, requestTimeoutMs: 50, timeoutCheckMs: 20 } });
    expect(await raw('POST /RPC2 HTTP/1.1\r\nhost: x\r\n')).to.match(/^HTTP\/1.1 408/);
    const head = 'POST /RPC2 HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\ncontent-length: 10\r\n\r\n';
    expect(await raw(`${head}abc`)).to.match(/^HTTP\/1.1 408/);
  });

  it('bounds the number of connections', async () => {
    await serve({ limits: { connections: 1 } });
    const first = connect({ host: '127.0.0.1', port });
    cleanups.push(() => first.destroy());
    await once(first, 'connect');
    expect(await raw('')).to.equal('');
    expect(served.logged('too many')).to.have.length(1);
  });

  it('survives a context that throws', async () => {
    await serve({
      context: () => {
        throw new MirrorflowError('NOT_PERMITTED', 'not you');
      },
    });
    const error = await rejection(client().call('sample.add', [1, 1]));
    expect([error.code, error.message]).to.deep.equal(['NOT_PERMITTED', 'not you']);
  });

  it('finishes the calls it has taken when it closes', async () => {
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

  it('does not wait for ever for a call when it closes', async () => {
    const server = await serve({ limits: { closeGraceMs: 20 } });
    const answer = rejection(client().call('sample.wait', []));
    await served.waitingCalls(1);
    await server.close();
    expect((await answer).code).to.equal('TRANSPORT_ERROR');
  });

  it('says what is wrong with an address', async () => {
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
    async function strange(answer: (body: string) => { status: number; text: string } | undefined) {
      const server = createServer((request, response) => {
        request.resume();
        const { status, text } = answer('') ?? {};
        if (status === undefined) response.destroy();
        else response.writeHead(status).end(text);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
      cleanups.push(() => {
        server.close();
        server.closeAllConnections();
      });
    }

    it('names the address that refuses', async () => {
      const server = await serve();
      await server.close();
      const error = await rejection(client().call('a', []));
      expect(error.code).to.equal('TRANSPORT_ERROR');
      expect(error.message).to.equal(`cannot connect to tcp://127.0.0.1:${port}: nobody listens there`);
    });

    it('gives up after its timeout, when aborted, and when closed', async () => {
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
    });

    it('says what a server answered that does not speak XML-RPC', async () => {
      await strange(() => ({ status: 503, text: 'come back\nlater' }));
      const busy = await rejection(client().call('a', []));
      expect([busy.code, busy.message.includes('503: come back later')]).to.deep.equal([
        'TRANSPORT_ERROR',
        true,
      ]);
      await strange(() => ({ status: 200, text: '<html>' }));
      expect((await rejection(client().call('a', []))).code).to.equal('PARSE_ERROR');
      await strange(() => undefined);
      expect((await rejection(client().call('a', []))).code).to.equal('TRANSPORT_ERROR');
      await strange(() => ({ status: 200, text: 'x'.repeat(5 * 1024 * 1024) }));
      expect((await rejection(client().call('a', []))).message).to.include('more than');
    });
  });

  it('gives every answer as one whole document', async () => {
    await serve();
    const response = await post(encodeCall('sample.echo', [['a', 'b']]));
    expect(response.headers.get('content-type')).to.include('text/xml');
    expect(decodeResponse(Buffer.from(await response.arrayBuffer()))).to.deep.equal(['a', 'b']);
  });
});
