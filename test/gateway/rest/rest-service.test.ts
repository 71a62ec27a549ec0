/** The gateway's REST service beside SpecTcl's own, on a simulator in this process. */
import { once } from 'node:events';
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../simulator/simulator.js';
import { MirrorDirectory } from '../../../gateway/mirror-directory.js';
import { LastAnswers } from '../../../gateway/rest/last-answers.js';
import { LocalRequests } from '../../../gateway/rest/local-requests.js';
import { RequestGuard } from '../../../gateway/rest/request-guard.js';
import { RestService } from '../../../gateway/rest/rest-service.js';
import { SourceRest } from '../../../gateway/rest/source-rest.js';
import { Traces } from '../../../gateway/rest/traces.js';
import { parseAddress } from '../../../protocol/base/address.js';
import { systemClock, type Clock } from '../../../protocol/base/clock.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import type { Secret } from '../../../protocol/rpc/security/secret.js';
import { bindings } from '../../../protocol/spectcl/display-memory.js';
import { silent } from '../../kit/silent-log.js';

/** Longer than any answer of the simulator takes. */
const TIMEOUT_MS = 45_000;
/** For a service that never answers. */
const SILENCE_MS = 50;
/** Under this clock a cached list does not age. */
const STOPPED_CLOCK: Clock = { ...systemClock, nowMs: () => 0 };

interface Reply {
  readonly http: number;
  readonly status: string;
  readonly detail?: unknown;
}

describe('the REST service of a gateway', () => {
  let simulator: Simulator;
  let source: SourceRest;
  let lastAnswers: LastAnswers;
  let service: RestService;
  let server: Server;
  let directory: MirrorDirectory;
  let mirrorIsUnreachable = false;
  let port = 0;

  async function start(
    allowChanges = false,
    simulated: SimulatorOptions = {},
    address?: string,
    {
      clock = systemClock,
      timeoutMs = TIMEOUT_MS,
      changesToken,
    }: { clock?: Clock; timeoutMs?: number; changesToken?: Secret } = {},
  ): Promise<void> {
    mirrorIsUnreachable = false;
    simulator = await startSimulator({ rate: 0, ...simulated });
    simulator.step(1_000);
    directory = new MirrorDirectory();
    const sourceAddress = parseAddress(address ?? simulator.address, { schemes: ['spectcl'] });
    source = new SourceRest(sourceAddress, clock, timeoutMs);
    lastAnswers = new LastAnswers(source, clock);
    const localRequests = new LocalRequests({
      header: () => {
        if (mirrorIsUnreachable)
          return Promise.reject(new MirrorflowError('SOURCE_UNREACHABLE', 'there is no mirror'));
        const decoded = bindings(simulator.memory);
        const version = decoded.map(({ name }) => name).join();
        return Promise.resolve({ bindings: decoded, channelBytes: 8_388_608, version });
      },
      imagePath: () => Promise.resolve('/dev/shm/somewhere/spectra.image'),
      newest: () =>
        Promise.resolve({
          memory: Buffer.from(simulator.memory),
          headerVersion: 1,
          release: () => undefined,
        }),
      source: lastAnswers,
      unreachableSince: () => source.unreachableSince,
      traces: new Traces({
        source: { establish: () => Promise.resolve(1), fetch: () => Promise.resolve({}) },
        clock,
        bindings: () => Promise.resolve([]),
        hasHeader: () => true,
        firstToken: 1,
      }),
      directory,
      memoryKey: () => undefined,
      ports: () => ({ restPort: 4711, mirrorPort: 4712 }),
    });
    service = new RestService({
      mayRead: () => Promise.resolve(true),
      localRequests,
      source,
      lastAnswers,
      guard: new RequestGuard({ names: ['daq.example'], allowChanges, changesToken }),
      clock,
      log: silent,
    });
    server = createServer((socket) => service.accept(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  }

  afterEach(async () => {
    service.close();
    lastAnswers.close();
    source.close();
    await new Promise((resolve) => server.close(resolve));
    await simulator.close();
  });

  async function get(path: string, at = port, init: RequestInit = {}): Promise<Reply> {
    const reply = await fetch(`http://127.0.0.1:${at}/spectcl/${path}`, init);
    expect(reply.headers.get('content-type')).to.match(/^application\/json/);
    return {
      http: reply.status,
      ...(JSON.parse(await reply.text()) as { status: string; detail?: unknown }),
    };
  }

  const EQUAL_ANSWERS = [
    'version',
    'shmem/size',
    'spectrum/list',
    'spectrum/list?filter=*.raw',
    'spectrum/list?filter=nothing',
    'sbind/list',
    'sbind/list?pattern=?of',
    'specstats',
    'specstats?pattern=dssd*',
    'gate/list',
    'gate/list?pattern=b*',
    'apply/list?pattern=*',
  ];

  for (const flavour of ['spectcl', 'rustogramer'] as const) {
    it(`the REST service answers exactly what a ${flavour} answers`, async () => {
      await start(false, { flavour });
      for (const path of EQUAL_ANSWERS) {
        const expected = await get(path, simulator.restPort);
        const answer = await get(path);
        if (path.startsWith('sbind') && flavour === 'rustogramer') expect(answer.http).to.equal(200);
        expect(answer, path).to.deep.equal(expected);
      }
    });
  }

  it('the REST service answers size as text, key as file and its own ports', async () => {
    await start();
    expect((await get('shmem/size')).detail).to.equal('8388608');
    expect((await get('shmem/key')).detail).to.equal('file:/dev/shm/somewhere/spectra.image');
    expect((await get('shmem/variables')).detail).to.include({ HTTPDPort: '4711', MirrorPort: '4712' });
  });

  it('without allowChanges a request that changes SpecTcl is refused', async () => {
    await start(false);
    const before = Buffer.from(simulator.memory);
    for (const path of [
      'spectrum/zero?pattern=*',
      'spectrum/delete?name=tof',
      'script?command=exit',
      'exit',
    ]) {
      const { http, status } = await get(path);
      expect(http, path).to.equal(403);
      expect(status).to.match(/could change SpecTcl/);
    }
    expect(Buffer.compare(before, Buffer.from(simulator.memory))).to.equal(0);
    expect(simulator.counters.restRequests).to.equal(0);
  });

  it('with allowChanges a change is forwarded and cached lists are dropped', async () => {
    await start(true);
    const page = { headers: { 'sec-fetch-site': 'cross-site' } };
    expect((await get('spectrum/zero?pattern=*', port, page)).http).to.equal(403);
    await get('gate/list');
    expect(await get('spectrum/zero?pattern=*')).to.deep.equal({ http: 200, status: 'OK' });
    const requests = simulator.counters.restRequests;
    await get('gate/list');
    expect(simulator.counters.restRequests).to.equal(requests + 1);
  });

  it("a request that SpecTcl does not have gets an HTTP error in SpecTcl's envelope", async () => {
    await start();
    const long = 'x'.repeat(2_000);
    for (const [path, http] of [
      ['nonsense', 404],
      ['', 404],
      ['sbind/list/', 403],
      ['../version', 404],
      [`sbind/list?pattern=${long}`, 400],
      ['sbind/list?pattern=%zz', 400],
      [`sbind/list?pattern=*&x=${'y'.repeat(9_000)}`, 414],
      [`sbind/list?x=${'y'.repeat(100_000)}`, 431],
    ] as const) {
      const answer = await get(path);
      expect(answer.http, path.slice(0, 40)).to.equal(http);
      expect(answer.status.length).to.be.within(1, 300);
    }
    expect((await get('version', port, { method: 'POST', body: 'x'.repeat(1_000_000) })).http).to.equal(405);
    const head = await fetch(`http://127.0.0.1:${port}/spectcl/version`, { method: 'HEAD' });
    expect([head.status, await head.text()]).to.deep.equal([200, '']);
  });

  it('a malformed or expensive pattern gets the names that match it', async () => {
    await start();
    for (const pattern of ['[', '[]', '\\', '%5B^', '*a'.repeat(300), '%00', '']) {
      const { http, status, detail } = await get(`sbind/list?pattern=${pattern.replaceAll('\\', '%5C')}`);
      expect([http, status, detail], pattern).to.deep.equal([200, 'OK', []]);
    }
  });

  it('a connection that sends no HTTP gets an answer and is closed', async () => {
    await start();
    const client = connect(port, '127.0.0.1');
    client.write('\x08\0\0\0\x02\0\0\0 hello\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1.1 400 [^]*\{"status":"this is no HTTP request/);
    client.destroy();
  });

  it('500 requests at once cost SpecTcl only a few', async () => {
    await start(true, {}, undefined, { clock: STOPPED_CLOCK });
    const paths = ['spectrum/list', 'sbind/list', 'specstats', 'gate/list', 'shmem/variables'];
    const replies = await Promise.all(Array.from({ length: 500 }, (_, index) => get(paths[index % 5] ?? '')));
    expect(new Set(replies.map(({ http, status }) => `${http} ${status}`))).to.deep.equal(
      new Set(['200 OK']),
    );
    expect(simulator.counters.restRequests).to.be.below(50);
  });

  it("SpecTcl's errors are forwarded and an unusable answer gives an error", async () => {
    await start();
    simulator.misbehave({ rest: 'status' });
    for (const path of ['gate/list', 'spectrum/list', 'version']) {
      expect(await get(path), path).to.deep.equal({
        http: 200,
        status: 'The simulator is configured to refuse requests',
      });
    }
    simulator.misbehave({ rest: 'http-500' });
    expect((await get('apply/list')).http).to.equal(500);
    simulator.misbehave({ rest: 'html' });
    const html = await get('treevariable/list');
    expect(html.http).to.equal(502);
    expect(html.status).to.match(/without its envelope: It works!/);
  });

  it('a SpecTcl that does not answer gives an error', async () => {
    await start(true, { misbehaviour: { rest: 'silent' } }, undefined, { timeoutMs: SILENCE_MS });
    expect((await get('parameter/list')).http).to.equal(502);
  });

  it('the REST service answers from the mirror while SpecTcl is unreachable', async () => {
    await start();
    const before = await Promise.all(['version', 'spectrum/list', 'sbind/list'].map((path) => get(path)));
    await simulator.close();
    source.clearCache();
    const after = await Promise.all(['version', 'spectrum/list', 'sbind/list'].map((path) => get(path)));
    expect(after).to.deep.equal(before);
    expect((await get('shmem/size')).detail).to.equal('8388608');
    const { http, status } = await get('gate/list');
    expect(http).to.equal(502);
    expect(status).to.match(/cannot be reached/);
  });

  it('spectra are listed from the header when SpecTcl never answered', async () => {
    await start(false, {}, 'spectcl://127.0.0.1?rest=9&mirror=9');
    const all = (await get('spectrum/list')).detail as {
      name: string;
      axes: { bins: number }[];
      type: string;
    }[];
    const tof = all.find(({ name }) => name === 'tof');
    expect(tof).to.deep.include({ type: '1', chantype: 'long' });
    expect(tof?.axes).to.deep.equal([{ low: -150, high: 350, bins: 2_000 }]);
    expect((await get('version')).http).to.equal(502);
    mirrorIsUnreachable = true;
    expect((await get('sbind/list')).http).to.equal(502);
  });

  it('a source that dies within a reply gives an error', async () => {
    const sockets = new Set<Socket>();
    const dying = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"status":"OK","det');
        setImmediate(() => socket.destroy());
      });
    });
    dying.listen(0, '127.0.0.1');
    await once(dying, 'listening');
    const { port: dyingPort } = dying.address() as AddressInfo;
    await start(true, {}, `spectcl://127.0.0.1?rest=${dyingPort}&mirror=9`);
    for (const path of ['gate/list', 'spectrum/zero', 'version', 'integrate?spectrum=tof']) {
      const { http, status } = await get(path);
      expect(http, path).to.equal(502);
      expect(status).to.match(/cannot be reached/);
    }
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => dying.close(resolve));
  });

  it('while SpecTcl is unreachable every list has its last answer and a change fails with a detail', async () => {
    await start(true);
    const lists = ['gate/list', 'gate/list?pattern=*', 'apply/list?pattern=*', 'shmem/variables'];
    const before = await Promise.all(lists.map((path) => get(path)));
    const { detail: gates } = before[0] as { detail: { name: string }[] };
    await simulator.close();
    source.clearCache();
    const after = await Promise.all(lists.map((path) => get(path)));
    expect(after.slice(0, 3)).to.deep.equal(before.slice(0, 3));
    const variables = after[3]?.detail as Record<string, string>;
    expect(variables).to.include(before[3]?.detail as object);
    expect(variables['MirrorflowSource']).to.match(/^unreachable since \d{4}-\d\d-\d\dT/);
    // A pattern that was never requested selects from the last complete list.
    const name = gates[0]?.name ?? '';
    expect((await get(`gate/list?pattern=${name}`)).detail).to.deep.equal([gates[0]]);
    const change = await get('gate/edit?name=g&type=T');
    expect(change.http).to.equal(502);
    expect(change.status).to.match(/cannot be reached/);
    expect(change.detail).to.equal(change.status);
    expect(await get('filter/list')).to.deep.include({ http: 502, detail: [] });
  });

  it('while SpecTcl hangs lists have their last answer after half a second', async () => {
    await start();
    const paths = ['gate/list', 'spectrum/list', 'sbind/list', 'specstats', 'version'];
    const before = await Promise.all(paths.map((path) => get(path)));
    simulator.misbehave({ rest: 'silent' });
    source.clearCache();
    for (const limitMs of [3_000, 400]) {
      const startMs = performance.now();
      expect(await Promise.all(paths.map((path) => get(path)))).to.deep.equal(before);
      expect(performance.now() - startMs).to.be.below(limitMs);
    }
    const { MirrorflowSource } = (await get('shmem/variables')).detail as Record<string, string>;
    expect(MirrorflowSource).to.match(/^unreachable since/);
  });

  it('mirror lists the entry of the asker first, and this host without an entry gets none', async () => {
    await start();
    const here = { host: 'localhost', address: '127.0.0.1', local: true };
    const other = { host: '10.0.0.7', address: '10.0.0.7', local: false };
    let replaced = 0;
    const remote = directory.add(other, () => (replaced += 1));
    remote.register('XA07');
    expect((await get('mirror')).detail).to.deep.equal([]);
    expect((await get('mirror?pattern=10.*')).detail).to.deep.equal([{ host: '10.0.0.7', shmkey: 'XA07' }]);
    directory.add(here, () => undefined).register('XA01');
    directory.add(here, () => undefined);
    const own = { host: 'localhost', shmkey: 'XA01' };
    expect((await get('mirror')).detail).to.deep.equal([own, { host: '10.0.0.7', shmkey: 'XA07' }]);
    for (const pattern of ['127*', 'local*']) {
      expect((await get(`mirror?pattern=${pattern}`)).detail, pattern).to.deep.equal([own]);
    }
    const live = (await get('mirror/list?clients=*')).detail as { name: string; client: string }[];
    expect(live.map(({ name }) => name)).to.deep.equal([
      'file:/dev/shm/somewhere/spectra.image',
      'XA07',
      'XA01',
      '',
    ]);
    directory.add(other, () => undefined).register('XA07');
    expect(replaced).to.equal(1);
    remote.remove();
    expect(directory.list()).to.have.length(2);
  });

  it("all reading requests of SpecTcl's clients are forwarded, with double slashes too", async () => {
    await start();
    for (const path of ['parameter/listnew', 'pman/lsall', 'pman/lsevp', 'treevariable/firetraces']) {
      // The simulator does not have them.
      expect((await get(path)).status, path).to.match(/HTTP status 404/);
    }
    expect((await get('/gate//list')).detail).to.deep.equal((await get('gate/list')).detail);
  });

  it('bindings and statistics have the order of SpecTcl', async () => {
    const axes = [{ parameter: 'p', low: 0, high: 10, bins: 10, unit: '' }];
    await start();
    simulator.undefine('tof');
    simulator.define({ name: 'zz', type: 4, axes });
    for (const path of ['sbind/list', 'specstats']) {
      expect(await get(path), path).to.deep.equal(await get(path, simulator.restPort));
    }
  });

  it('an encoded answer of SpecTcl is passed on as it came', async () => {
    const body = deflateRawSync('{"status":"OK","detail":[]}');
    const encoding = createHttpServer((_request, response) => {
      response.setHeader('content-encoding', 'deflate').end(body);
    }).listen(0, '127.0.0.1');
    await once(encoding, 'listening');
    const { port: encodingPort } = encoding.address() as AddressInfo;
    await start(false, {}, `spectcl://127.0.0.1?rest=${encodingPort}&mirror=9`);
    const answer = await new Promise<IncomingMessage>((resolve) => {
      httpRequest(
        { host: '127.0.0.1', port, path: '/spectcl/spectrum/contents?name=unbound' },
        resolve,
      ).end();
    });
    expect(answer.headers['content-encoding']).to.equal('deflate');
    expect(Buffer.concat(await answer.toArray()).equals(body)).to.equal(true);
    encoding.closeAllConnections();
    encoding.close();
  });

  it('the REST service continues after a client leaves within a request', async () => {
    await start();
    const leaving = httpRequest({ host: '127.0.0.1', port, path: '/spectcl/spectrum/list' });
    leaving.on('error', () => undefined);
    leaving.end();
    leaving.destroy();
    expect((await get('spectrum/list')).http).to.equal(200);
  });
});
