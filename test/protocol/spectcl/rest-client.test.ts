/** The REST client of SpecTcl: answers that it reads, and its errors for all others. */
import { getEventListeners } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { expect } from 'chai';
import { SpecTclRest } from '../../../protocol/spectcl/rest-client.js';
import { failureOf } from '../../kit/failure-of.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

describe('SpecTcl REST client', () => {
  const servers: { close(): unknown }[] = [];
  const clients: SpecTclRest[] = [];

  async function serve(answer: Answer): Promise<{ server: Server; port: number }> {
    const server = createServer(answer);
    servers.push({ close: () => (server.closeAllConnections(), server.close()) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, port: (server.address() as AddressInfo).port };
  }

  function clientOf(port: number, timeoutMs = 45_000): SpecTclRest {
    const client = new SpecTclRest({ host: '127.0.0.1', port }, { timeoutMs });
    clients.push(client);
    return client;
  }

  const answering = async (text: string, status = 200): Promise<SpecTclRest> => {
    const { port } = await serve((_request, response) => response.writeHead(status).end(text));
    return clientOf(port);
  };
  const detail = (value: unknown): Promise<SpecTclRest> =>
    answering(JSON.stringify({ status: 'OK', detail: value }));

  afterEach(() => {
    clients.splice(0).forEach((client) => client.close());
    servers.splice(0).forEach((server) => server.close());
  });

  it('the REST client reads versions of SpecTcl and of Rustogramer', async () => {
    expect(await (await detail({ major: 5, minor: 13, editlevel: '012' })).version()).to.deep.equal({
      major: 5,
      minor: 13,
      editLevel: '012',
    });
    const rustogramer = await detail({ major: 1, minor: 1, editlevel: 3, program_name: 'Rustogramer' });
    expect(await rustogramer.version()).to.deep.equal({
      major: 1,
      minor: 1,
      editLevel: '3',
      programName: 'Rustogramer',
    });
  });

  it('the REST client reads the size of the storage from a string', async () => {
    expect(await (await detail('8388608')).shmemSize()).to.equal(8_388_608);
    for (const invalid of ['8 MiB', '', '-1', '0', '1e30', null, [], '99999999999']) {
      const error = await failureOf((await detail(invalid)).shmemSize());
      expect(error.code, String(invalid)).to.equal('SOURCE_PROTOCOL');
    }
  });

  it('the REST client reads spectra with and without the optional fields', async () => {
    const axis = { low: 0, high: 1023, bins: 1024 };
    const client = await detail([
      { id: 3, name: 'a', type: '1', parameters: ['p'], axes: [axis], chantype: 'long', gate: 'g' },
      { name: 'b', type: '2', parameters: [['p', 'q']], xaxis: axis, yaxis: axis, gate: null },
    ]);
    expect(await client.spectra('a*')).to.deep.equal([
      { id: 3, name: 'a', type: '1', parameters: ['p'], axes: [axis], chantype: 'long', gate: 'g' },
      { name: 'b', type: '2', parameters: ['p', 'q'], axes: [axis, axis], chantype: '' },
    ]);
  });

  it('the REST client reads bindings, mirrors, statistics, gates, applications, variables and traces', async () => {
    const answers: Record<string, unknown> = {
      '/spectcl/sbind/list?pattern=*': [{ spectrumid: '1', name: 'a', binding: 7 }],
      '/spectcl/mirror': [{ host: 'here', shmkey: 'XA7c' }],
      '/spectcl/specstats?pattern=*': [{ name: 'a', underflows: [1], overflows: [2] }],
      '/spectcl/gate/list?pattern=*': [{ name: 'g', type: 's', low: 1, high: 2 }],
      '/spectcl/apply/list?pattern=*': [
        { spectrum: 'a', gate: 'g' },
        { spectrum: 'b', gate: null },
      ],
      '/spectcl/shmem/variables': { RunNumber: '12', RunState: 1 },
      '/spectcl/shmem/key': 'sysv:XA7c',
      '/spectcl/trace/establish?retention=30': 5,
      '/spectcl/trace/fetch?token=5': { parameter: [], spectrum: ['add a'], binding: ['add a 7'] },
    };
    const { port } = await serve((request, response) =>
      response.end(JSON.stringify({ status: 'OK', detail: answers[request.url ?? ''] })),
    );
    const client = clientOf(port);
    expect(await client.bindings()).to.deep.equal([{ spectrumid: 1, name: 'a', binding: 7 }]);
    expect(await client.mirrors()).to.deep.equal([{ host: 'here', shmkey: 'XA7c' }]);
    expect(await client.statistics()).to.deep.equal([{ name: 'a', underflows: [1], overflows: [2] }]);
    expect(await client.gates()).to.deep.equal([{ name: 'g', type: 's', fields: { low: 1, high: 2 } }]);
    expect(await client.applications()).to.deep.equal([{ spectrum: 'a', gate: 'g' }]);
    expect(await client.variables()).to.deep.equal({ RunNumber: '12', RunState: '1' });
    expect(await client.shmemKey()).to.equal('sysv:XA7c');
    expect(await client.traceEstablish(30)).to.equal(5);
    expect(await client.traceFetch(5)).to.deep.equal({
      parameter: [],
      spectrum: ['add a'],
      gate: [],
      binding: ['add a 7'],
    });
  });

  it('the REST client reads a success without detail as an empty list', async () => {
    const client = await answering('{"status":"OK"}');
    expect(await client.bindings()).to.deep.equal([]);
    expect((await client.traceFetch(1)).binding).to.deep.equal([]);
    await client.zero();
    await client.traceDone(1);
  });

  it('the REST client encodes patterns with special characters', async () => {
    const patterns: (string | undefined)[] = [];
    const { port } = await serve((request, response) => {
      patterns.push(request.url);
      response.end('{"status":"OK"}');
    });
    await clientOf(port).zero('a b&c=[d]');
    expect(patterns).to.deep.equal(['/spectcl/spectrum/zero?pattern=a%20b%26c%3D%5Bd%5D']);
  });

  it('the REST client reports the status of an error', async () => {
    const error = await failureOf((await answering('{"status":"no such spectrum","detail":"x"}')).zero('x'));
    expect(error.code).to.equal('SOURCE_REFUSED');
    expect(error.message).to.match(/no such spectrum/);
    expect(error.facts?.['status']).to.equal('no such spectrum');
  });

  it('the REST client quotes request and answer when another service answers', async () => {
    for (const [text, status] of [
      ['<html><body>Welcome to the web server of the coffee machine, floor 3</body>', 200],
      ['', 200],
      ['[1,2]', 200],
      ['{"detail":1}', 200],
      ['{"status":"OK","detail":{"major":5}}', 200],
      ['{"status":"OK"}', 200],
      ['Internal Server Error', 500],
    ] as const) {
      const error = await failureOf((await answering(text, status)).version());
      expect(error.code, text).to.equal('SOURCE_PROTOCOL');
      expect(error.message).to.contain('/spectcl/version');
      expect(error.message).to.contain(JSON.stringify(text.slice(0, 60)));
    }
  });

  it('the REST client refuses an answer that is not HTTP', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end('OK 0\r\n');
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const error = await failureOf(clientOf((server.address() as AddressInfo).port).version());
    expect(error.code).to.equal('SOURCE_PROTOCOL');
  });

  it('the REST client times out on silence, also within an answer', async () => {
    const silent = await serve(() => undefined);
    const error = await failureOf(clientOf(silent.port, 50).version());
    expect(error.code).to.equal('SOURCE_UNREACHABLE');
    expect(error.message).to.equal(
      `http://127.0.0.1:${silent.port}/spectcl/version did not answer within 50 ms`,
    );
    const half = await serve((_request, response) => response.write('{"status":'));
    expect((await failureOf(clientOf(half.port, 50).version())).code).to.equal('SOURCE_UNREACHABLE');
  });

  it('the REST client names the address when the connection is refused', async () => {
    const { server, port } = await serve(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const error = await failureOf(clientOf(port).version());
    expect(error.code).to.equal('SOURCE_UNREACHABLE');
    expect(error.message).to.contain(`127.0.0.1:${port}`);
  });

  it('the REST client reports a connection cut within an answer as unreachable', async () => {
    const { port } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"status"');
      setImmediate(() => response.destroy());
    });
    expect((await failureOf(clientOf(port).version())).code).to.equal('SOURCE_UNREACHABLE');
  });

  it('the REST client keeps its connection open', async () => {
    const ports = new Set<number | undefined>();
    const { port } = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('{"status":"OK","detail":"XA7c"}');
    });
    const client = clientOf(port);
    for (let round = 0; round < 3; round++) await client.shmemKey();
    expect(ports.size).to.equal(1);
  });

  it('the REST client repeats a request when the server has closed the kept connection', async () => {
    let requests = 0;
    const { port } = await serve((request, response) => {
      requests++;
      if (requests === 2) request.socket.destroy();
      else response.end('{"status":"OK","detail":"XA7c"}');
    });
    const client = clientOf(port);
    await client.shmemKey();
    expect(await client.shmemKey()).to.equal('XA7c');
    expect(requests).to.equal(3);
  });

  it('the REST client does not repeat the fetch of a trace', async () => {
    let fetches = 0;
    const { port } = await serve((request, response) => {
      if (request.url?.startsWith('/spectcl/trace/fetch') === true) {
        fetches++;
        request.socket.destroy();
      } else response.end('{"status":"OK","detail":"XA7c"}');
    });
    const client = clientOf(port);
    await client.shmemKey();
    expect((await failureOf(client.traceFetch(1))).code).to.equal('SOURCE_UNREACHABLE');
    expect(fetches).to.equal(1);
  });

  it('the REST client leaves no listeners on a signal that outlives its requests', async () => {
    const client = await answering('{"status":"OK"}');
    const { signal } = new AbortController();
    await client.zero('*', signal);
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
  });

  it('a request of the REST client is aborted by its signal and by close', async () => {
    const { port } = await serve(() => undefined);
    const client = clientOf(port);
    const given = new AbortController();
    const first = failureOf(client.version(given.signal));
    given.abort();
    expect((await first).code).to.equal('CLOSED');
    const second = failureOf(client.version());
    client.close();
    client.close();
    expect((await second).code).to.equal('CLOSED');
    expect((await failureOf(client.version())).code).to.equal('CLOSED');
  });
});
