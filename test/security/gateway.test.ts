/** Programs and pages that attack the services of a gateway. */
import { once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect } from 'chai';
import { Listener, type Door } from '../../gateway/listener.js';
import { MirrorDirectory, type Peer } from '../../gateway/mirror-directory.js';
import { MirrorService } from '../../gateway/mirror-service.js';
import { readRequest } from '../../gateway/rest/request.js';
import { LastAnswers } from '../../gateway/rest/last-answers.js';
import { LocalRequests } from '../../gateway/rest/local-requests.js';
import { OutgoingBytes } from '../../gateway/rest/outgoing-bytes.js';
import { RequestGuard } from '../../gateway/rest/request-guard.js';
import { RestService } from '../../gateway/rest/rest-service.js';
import { SourceRest } from '../../gateway/rest/source-rest.js';
import { Traces } from '../../gateway/rest/traces.js';
import { parseAddress } from '../../protocol/base/address.js';
import { systemClock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { Logger } from '../../protocol/base/log.js';
import { Secret } from '../../protocol/rpc/security/secret.js';
import { UnprovenPlaces } from '../../protocol/rpc/security/unproven-places.js';
import type { Binding } from '../../protocol/spectcl/display-memory.js';
import { globMatcher } from '../../protocol/spectcl/glob.js';
import { bytesInUse } from '../kit/heap.js';
import { failureOf } from '../kit/failure-of.js';
import { eventually } from '../kit/eventually.js';
import { ManualClock } from '../kit/manual-clock.js';
import { MirrorTestClient } from '../simulator/mirror-test-client.js';
import { sampleBinding } from '../kit/sample-binding.js';

const MEBIBYTE = 2 ** 20;
const TOKEN = 'a token for changes';

function peer(address: string): Peer {
  return { host: address, address, local: false };
}

describe('an attacker of a gateway', () => {
  const closers: (() => unknown)[] = [];
  let lines: string[];
  const log = new Logger('test', { sink: (line) => lines.push(line) });

  beforeEach(() => (lines = []));

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  /** A SpecTcl that answers each request with `body`; resolves with its port. */
  async function specTcl(body: () => Buffer | string): Promise<{ port: number; asked: string[] }> {
    const asked: string[] = [];
    const server = createHttpServer((incoming, response) => {
      asked.push(incoming.url ?? '');
      response.end(body());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return { port: (server.address() as AddressInfo).port, asked };
  }

  async function restService(
    sourcePort: number,
    options: { allowChanges?: boolean; changesToken?: Secret } = {},
  ): Promise<{ port: number; source: SourceRest; lastAnswers: LastAnswers; retention: () => number }> {
    const address = parseAddress(`spectcl://127.0.0.1?rest=${sourcePort}&mirror=1`, { schemes: ['spectcl'] });
    const source = new SourceRest(address, systemClock);
    const lastAnswers = new LastAnswers(source, systemClock);
    let retention = 0;
    const none = (): Promise<never> => Promise.reject(new MirrorflowError('SOURCE_UNREACHABLE', 'no mirror'));
    const traces = new Traces({
      source: { establish: (seconds) => Promise.resolve((retention = seconds)), fetch: none },
      clock: systemClock,
      bindings: () => Promise.resolve([]),
      hasHeader: () => true,
      firstToken: 1,
    });
    const localRequests = new LocalRequests({
      header: none,
      imagePath: none,
      newest: none,
      source: lastAnswers,
      unreachableSince: () => undefined,
      traces,
      directory: new MirrorDirectory(),
      memoryKey: () => undefined,
      ports: () => ({ restPort: 1, mirrorPort: 2 }),
    });
    const { allowChanges = false, changesToken } = options;
    const guard = new RequestGuard({ names: ['daq.example'], allowChanges, changesToken });
    const service = new RestService({
      mayRead: () => Promise.resolve(true),
      localRequests,
      source,
      lastAnswers,
      guard,
      clock: systemClock,
      log,
    });
    const port = await listening(createServer((socket) => service.accept(socket)));
    closers.push(
      () => source.close(),
      () => lastAnswers.close(),
      () => service.close(),
    );
    return { port, source, lastAnswers, retention: () => retention };
  }

  async function listening(server: Server): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    return (server.address() as AddressInfo).port;
  }

  function get(
    port: number,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ http: number; status: string; detail?: unknown }> {
    return new Promise((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path: `/spectcl/${path}`, headers }, (answer) => {
        let text = '';
        answer.on('data', (part) => (text += String(part)));
        answer.on('end', () =>
          resolve({
            http: answer.statusCode ?? 0,
            ...(JSON.parse(text) as { status: string; detail?: unknown }),
          }),
        );
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  it('reads nothing under a name of its own, and nothing from a page of another site', async () => {
    const { port: source } = await specTcl(() => '{"status":"OK","detail":["secret"]}');
    const { port } = await restService(source);
    for (const host of ['evil.example', 'localhost.evil.example', `daq.example.evil:${port}`]) {
      const { http, detail } = await get(port, 'gate/list', { host });
      expect({ http, detail }, host).to.deep.equal({ http: 421, detail: [] });
    }
    const foreign = await get(port, 'gate/list', { origin: 'http://evil.example' });
    expect(foreign).to.deep.include({ http: 403, detail: [] });
    for (const host of ['localhost', `127.0.0.1:${port}`, `DAQ.example:${port}`]) {
      expect(await get(port, 'gate/list', { host }), host).to.deep.include({ http: 200, detail: ['secret'] });
    }
    // A thousand refusals are a line or two.
    for (let count = 0; count < 100; count += 1) await get(port, 'version', { host: `evil${count}.example` });
    expect(lines.join('')).to.have.length.below(2_000);
  });

  it('changes nothing from a browser on another page, or without the token', async () => {
    const { port: source, asked } = await specTcl(() => '{"status":"OK"}');
    const open = await restService(source, { allowChanges: true });
    // Over plain HTTP a browser sends neither Sec-Fetch headers nor, for an image, an Origin.
    const browsers = [
      { 'user-agent': 'Mozilla/5.0' },
      { 'user-agent': 'Mozilla/5.0', 'sec-fetch-site': 'none' },
      { origin: 'null' },
    ];
    for (const headers of browsers) {
      expect((await get(open.port, 'spectrum/zero', headers)).http, JSON.stringify(headers)).to.equal(403);
    }
    expect(asked).to.deep.equal([]);
    expect((await get(open.port, 'spectrum/zero')).http).to.equal(200);
    const own = { origin: `http://127.0.0.1:${open.port}`, host: `127.0.0.1:${open.port}` };
    expect((await get(open.port, 'spectrum/zero', own)).http).to.equal(200);

    const guarded = await restService(source, { allowChanges: true, changesToken: new Secret(TOKEN) });
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: TOKEN }]) {
      expect((await get(guarded.port, 'spectrum/zero', headers)).http).to.equal(401);
    }
    expect(asked).to.have.length(2);
    const authorization = `Bearer ${TOKEN}`;
    expect((await get(guarded.port, 'spectrum/zero', { authorization })).http).to.equal(200);
  });

  it('registers four memory keys on a connection, and no more', async () => {
    const directory = new MirrorDirectory();
    const service = new MirrorService({
      mayRead: () => Promise.resolve(true),
      newest: () => Promise.reject(new Error('not requested')),
      directory,
      clock: systemClock,
      log,
    });
    closers.push(() => service.close());
    const attacker = await MirrorTestClient.connect(
      await listening(createServer((socket) => service.accept(socket))),
    );
    closers.push(() => attacker.close());
    for (let key = 0; key < 60_000; key += 1) attacker.sendShmInfo(key.toString(36).padStart(4, '0'));
    await attacker.closed();
    await eventually(() => service.clients === 0, 'the connection is closed');
    expect(directory.list()).to.deep.equal([]);
    expect(lines.join('')).to.match(/registered more than 4 memory keys/);
  });

  it('cannot make registrations slow with many connections', () => {
    const directory = new MirrorDirectory();
    const count = 20_000;
    const clients = Array.from({ length: count }, (_, index) => {
      const client = directory.add(peer(`10.0.${index >> 8}.${index & 255}`), () => undefined);
      client.register('XA00');
      return client;
    });
    // With a search through all entries these would be 4,000 million steps.
    for (let round = 0; round < 10; round += 1) for (const client of clients) client.register(`XA0${round}`);
    expect(directory.list()).to.have.length(count);
    let replaced = 0;
    directory.add(peer('10.0.0.1'), () => undefined).register('XA09');
    directory.add(peer('10.0.0.9'), () => (replaced += 1)).register('XA09');
    directory.add(peer('10.0.0.9'), () => undefined).register('XA09');
    expect(replaced).to.equal(1);
    expect(directory.list()).to.have.length(count);
  });

  it('loses mirror connections that request nothing', async () => {
    const clock = new ManualClock();
    const lease = { memory: Buffer.alloc(5_600_001), headerVersion: 1, release: () => undefined };
    const service = new MirrorService({
      mayRead: () => Promise.resolve(true),
      newest: () => Promise.resolve(lease),
      directory: new MirrorDirectory(),
      clock,
      log,
    });
    closers.push(() => service.close());
    const port = await listening(createServer((socket) => service.accept(socket)));
    const peers = await Promise.all(Array.from({ length: 100 }, () => MirrorTestClient.connect(port)));
    closers.push(() => peers.forEach((one) => one.close()));
    await peers[0]!.update();
    await eventually(() => service.clients === 100, 'all are connected');
    await advance(clock, 61_000);
    await eventually(() => service.clients === 1, 'only the client that has an update is left');
    await advance(clock, 540_000);
    await eventually(() => service.clients === 0, 'it has been idle for ten minutes');
  });

  /** The service checks once a second, after its last check has ended. */
  async function advance(clock: ManualClock, byMs: number): Promise<void> {
    clock.advance(byMs);
    await clock.waitForTimer();
    clock.advance(1_000);
  }

  it('cannot hold others out with idle connections: the oldest of its address makes room', async () => {
    const accepted: number[] = [];
    let madeRoom = 0;
    const door: Door = {
      title: 'the test service',
      host: '127.0.0.1',
      identity: undefined,
      places: new UnprovenPlaces({ total: 100, perAddress: 20, perPeer: 0 }),
      accept: (socket) => {
        socket.on('error', () => undefined);
        accepted.push(socket.remotePort ?? 0);
      },
      onFull: () => (madeRoom += 1),
    };
    const listener = await Listener.open(door, 0);
    closers.push(() => listener.close());
    const peers = await Promise.all(
      Array.from({ length: 50 }, () => MirrorTestClient.connect(listener.port)),
    );
    closers.push(() => peers.forEach((one) => one.close()));
    await eventually(() => accepted.length === 50, 'all are accepted');
    expect(madeRoom).to.equal(30);
    const places = new UnprovenPlaces({ total: 4, perAddress: 3, perPeer: 0 });
    const dropped: string[] = [];
    for (const address of [
      '2001:db8::1',
      '2001:db8::2',
      '2001:db8::3',
      '10.0.0.1',
      '10.0.0.2',
      '2001:db8::4',
    ])
      places.take(address, () => dropped.push(address));
    expect(dropped).to.deep.equal(['2001:db8::1', '2001:db8::2']);
  });

  it('cannot fill the memory with the answers of a hostile SpecTcl', async () => {
    const list = Buffer.from(`{"status":"OK","detail":[${`["${'x'.repeat(26)}"],`.repeat(400_000)}[]]}`);
    const bomb = Buffer.from(`{"status":"OK","detail":[${'[],'.repeat(MEBIBYTE)}[]]}`);
    const longList = Buffer.alloc(17 * MEBIBYTE, 32);
    let body = list;
    const { port: sourcePort } = await specTcl(() => body);
    const { port, source } = await restService(sourcePort);
    const before = bytesInUse();
    for (let pattern = 0; pattern < 6; pattern += 1) {
      for (const path of [`gate/list?pattern=${pattern}`, `spectrum/list?filter=${pattern}`]) {
        const answer = await fetch(`http://127.0.0.1:${port}/spectcl/${path}`);
        for await (const part of answer.body ?? []) expect(part).to.have.property('length');
      }
    }
    // One parsed list, and a few unparsed ones; twelve of each would be three times as much.
    expect(bytesInUse() - before).to.be.lessThan(160 * MEBIBYTE);
    for (const [path, answer] of [
      ['/spectcl/apply/list', longList],
      ['/spectcl/fold/list', bomb],
    ] as const) {
      body = answer;
      expect(await failureOf(source.detail(path)), path).to.include({ code: 'SOURCE_PROTOCOL' });
    }
  });

  it('cannot fill the memory with traces that are not fetched', async () => {
    const clock = new ManualClock();
    const traces = new Traces({
      source: { establish: () => Promise.resolve(1), fetch: () => Promise.resolve({}) },
      clock,
      bindings: () => Promise.resolve([]),
      hasHeader: () => true,
      firstToken: 1_000,
    });
    const before = bytesInUse();
    for (let host = 0; host < 16; host += 1) {
      for (let token = 0; token < 64; token += 1) await traces.establish(60, `10.0.0.${host}`);
    }
    const named = (round: number): Binding[] =>
      Array.from({ length: 10_000 }, (_, slot) => sampleBinding(`${round} ${'x'.repeat(110)}`, slot));
    for (let round = 0; round < 5; round += 1) traces.published(named(round), round + 1);
    expect(bytesInUse() - before).to.be.lessThan(64 * MEBIBYTE);
    // A host takes only its own places: the first token of another one is still known.
    for (let token = 0; token < 200; token += 1) await traces.establish(60, '10.0.0.99');
    expect(await traces.fetch(1_000 + 64, '10.0.0.1')).not.to.equal(undefined);
  });

  it('cannot keep changes in SpecTcl for ever: the retention of a trace is cut', async () => {
    const { port: source } = await specTcl(() => '{"status":"OK","detail":1}');
    const { port, retention } = await restService(source);
    expect(await get(port, 'trace/establish?retention=999999999')).to.include({ http: 200, status: 'OK' });
    expect(retention()).to.equal(3_600);
    expect((await get(port, 'trace/establish?retention=-1')).http).to.equal(400);
  });

  it('cannot occupy the processor with a pattern', () => {
    const isSelected = globMatcher(`${'*a'.repeat(200_000)}b`);
    // Pattern by text would be 80,000 million steps.
    expect(isSelected('a'.repeat(400_000))).to.equal(false);
    const ambiguous = readRequest('GET', `/spectcl/spectrum/list?filter=${'[a-]'.repeat(20)}`);
    expect(ambiguous).to.include({ httpStatus: 400 });
  });

  it('cannot make the gateway keep answers that are not read', () => {
    const outgoing = new OutgoingBytes();
    const large = Array.from({ length: 5 }, () => Buffer.alloc(64 * MEBIBYTE));
    const added = large.map((body) => outgoing.add(body));
    expect(added).to.deep.equal([true, true, true, false, false]);
    expect(outgoing.add(large[0]!), 'the same answer for another reader').to.equal(true);
    outgoing.remove(large[0]!);
    expect(outgoing.add(large[3]!)).to.equal(false);
    outgoing.remove(large[0]!);
    expect(outgoing.add(large[3]!)).to.equal(true);
  });
});
