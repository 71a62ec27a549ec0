import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../simulator/simulator.js';
import { MirrorDirectory } from '../../../gateway/mirror-directory.js';
import { OwnRequests } from '../../../gateway/rest/own-requests.js';
import { RestService } from '../../../gateway/rest/rest-service.js';
import { SourceRest } from '../../../gateway/rest/source-rest.js';
import { parseAddress } from '../../../protocol/base/address.js';
import { systemClock, type Clock } from '../../../protocol/base/clock.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { Logger } from '../../../protocol/base/log.js';
import { bindings } from '../../../protocol/spectcl/display-memory.js';

/** Reached by nobody who answers. */
const TIMEOUT_MS = 45_000;
/** Of a service that never answers. */
const SILENCE_MS = 50;
/** For a cache whose contents do not grow old. */
const STANDING_CLOCK: Clock = { ...systemClock, nowMs: () => 0 };
const log = new Logger('test', { sink: () => undefined });

interface Reply {
  readonly http: number;
  readonly status: string;
  readonly detail?: unknown;
}

describe('the REST service of a gateway', () => {
  let simulator: Simulator;
  let source: SourceRest;
  let service: RestService;
  let server: Server;
  let directory: MirrorDirectory;
  let mirrorAway = false;
  let port = 0;

  async function start(
    allowChanges = false,
    simulated: SimulatorOptions = {},
    address?: string,
    { clock = systemClock, timeoutMs = TIMEOUT_MS } = {},
  ): Promise<void> {
    mirrorAway = false;
    simulator = await startSimulator({ rate: 0, ...simulated });
    simulator.step(1_000);
    directory = new MirrorDirectory();
    const where = parseAddress(address ?? simulator.address, { schemes: ['spectcl'] });
    source = new SourceRest(where, clock, timeoutMs);
    const own = new OwnRequests({
      header: () => {
        if (mirrorAway)
          return Promise.reject(new MirrorflowError('SOURCE_UNREACHABLE', 'there is no mirror'));
        const found = bindings(simulator.memory);
        const version = found.map(({ name }) => name).join();
        return Promise.resolve({ bindings: found, channelBytes: 8_388_608, version });
      },
      imagePath: () => Promise.resolve('/dev/shm/somewhere/spectra.image'),
      source,
      directory,
      memoryKey: () => undefined,
      ports: () => ({ restPort: 4711, mirrorPort: 4712 }),
    });
    service = new RestService({ own, source, allowChanges, log });
    server = createServer((socket) => service.accept(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  }

  afterEach(async () => {
    service.close();
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

  const SAME = [
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
    it(`answers to the letter what a ${flavour} answers`, async () => {
      await start(false, { flavour });
      for (const path of SAME) {
        const there = await get(path, simulator.restPort);
        const here = await get(path);
        if (path.startsWith('sbind') && flavour === 'rustogramer') expect(here.http).to.equal(200);
        expect(here, path).to.deep.equal(there);
      }
    });
  }

  it('gives the size as a text, the file for those who can map it, and its own ports', async () => {
    await start();
    expect((await get('shmem/size')).detail).to.equal('8388608');
    expect((await get('shmem/key')).detail).to.equal('file:/dev/shm/somewhere/spectra.image');
    expect((await get('shmem/variables')).detail).to.include({ HTTPDPort: '4711', MirrorPort: '4712' });
  });

  it('changes SpecTcl only where that was switched on', async () => {
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

  it('passes changes on where that was switched on, and forgets what it knew', async () => {
    await start(true);
    const page = { headers: { 'sec-fetch-site': 'cross-site' } };
    expect((await get('spectrum/zero?pattern=*', port, page)).http).to.equal(403);
    await get('gate/list');
    expect(await get('spectrum/zero?pattern=*')).to.deep.equal({ http: 200, status: 'OK' });
    const asked = simulator.counters.restRequests;
    await get('gate/list');
    expect(simulator.counters.restRequests).to.equal(asked + 1);
  });

  it("answers what is not SpecTcl's with HTTP errors in SpecTcl's envelope", async () => {
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
      const found = await get(path);
      expect(found.http, path.slice(0, 40)).to.equal(http);
      expect(found.status.length).to.be.within(1, 300);
    }
    expect((await get('version', port, { method: 'POST', body: 'x'.repeat(1_000_000) })).http).to.equal(405);
    const head = await fetch(`http://127.0.0.1:${port}/spectcl/version`, { method: 'HEAD' });
    expect([head.status, await head.text()]).to.deep.equal([200, '']);
  });

  it('answers a bad or evil pattern with what matches it', async () => {
    await start();
    for (const pattern of ['[', '[]', '\\', '%5B^', '*a'.repeat(300), '%00', '']) {
      const { http, status, detail } = await get(`sbind/list?pattern=${pattern.replaceAll('\\', '%5C')}`);
      expect([http, status, detail], pattern).to.deep.equal([200, 'OK', []]);
    }
  });

  it('closes with an answer what is no HTTP', async () => {
    await start();
    const stranger = connect(port, '127.0.0.1');
    stranger.write('\x08\0\0\0\x02\0\0\0 hello\r\n\r\n');
    const [answer] = (await once(stranger, 'data')) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1.1 400 [^]*\{"status":"this is no HTTP request/);
    stranger.destroy();
  });

  it('answers 500 requests at once, and asks SpecTcl few times for them', async () => {
    await start(true, {}, undefined, { clock: STANDING_CLOCK });
    const paths = ['spectrum/list', 'sbind/list', 'specstats', 'gate/list', 'shmem/variables'];
    const replies = await Promise.all(Array.from({ length: 500 }, (_, index) => get(paths[index % 5] ?? '')));
    expect(new Set(replies.map(({ http, status }) => `${http} ${status}`))).to.deep.equal(
      new Set(['200 OK']),
    );
    expect(simulator.counters.restRequests).to.be.below(50);
  });

  it("passes on SpecTcl's own errors, and gives one where SpecTcl's answer is none", async () => {
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

  it('gives an error for a SpecTcl that does not answer', async () => {
    await start(true, { misbehaviour: { rest: 'silent' } }, undefined, { timeoutMs: SILENCE_MS });
    expect((await get('parameter/list')).http).to.equal(502);
  });

  it('keeps answering from the mirror while SpecTcl is away', async () => {
    await start();
    const known = await Promise.all(['version', 'spectrum/list', 'sbind/list'].map((path) => get(path)));
    await simulator.close();
    source.forget();
    const again = await Promise.all(['version', 'spectrum/list', 'sbind/list'].map((path) => get(path)));
    expect(again).to.deep.equal(known);
    expect((await get('shmem/size')).detail).to.equal('8388608');
    const { http, status } = await get('gate/list');
    expect(http).to.equal(502);
    expect(status).to.match(/cannot be reached/);
  });

  it('lists spectra from the header alone when SpecTcl never answered', async () => {
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
    mirrorAway = true;
    expect((await get('sbind/list')).http).to.equal(502);
  });

  it('answers an error when the source dies in the middle of a reply', async () => {
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
    for (const path of ['gate/list', 'spectrum/zero', 'version', 'spectrum/contents?name=tof']) {
      const { http, status } = await get(path);
      expect(http, path).to.equal(502);
      expect(status).to.match(/cannot be reached/);
    }
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => dying.close(resolve));
  });

  it('serves on after a client that leaves in the middle', async () => {
    await start();
    const leaving = httpRequest({ host: '127.0.0.1', port, path: '/spectcl/spectrum/list' });
    leaving.on('error', () => undefined);
    leaving.end();
    leaving.destroy();
    expect((await get('spectrum/list')).http).to.equal(200);
  });
});
