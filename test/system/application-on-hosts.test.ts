/** What several hosts promise, as real processes on this machine's loopback. */
import { expect } from 'chai';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, InputFlow, OutputFlow } from '../../client-lib/index.js';
import { isMirrorflowError } from '../../client-lib/index.js';
import { verifyChecksum } from '../../simulator/checksum.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { appSocketPath } from '../../protocol/base/paths.js';
import { Logger } from '../../protocol/base/log.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { MirrorPeer } from '../simulator/mirror-peer.js';
import { gatewayOf } from './gateway-system.js';
import { LoopbackHosts } from './loopback-hosts.js';
import { eventually } from '../kit/eventually.js';
import type { RealSystem } from '../kit/real-system.js';

const APP = 'lab';
const SIZES = { bufferSize: 64, buffers: 16 } as const;

/** Types of messages of SpecTcl's mirror service. */
const FULL = 3;
const PARTIAL = 4;

type Update = Awaited<ReturnType<MirrorPeer['update']>>;

function same(one: Update, other: Update): boolean {
  return one.type === other.type && Buffer.compare(one.body, other.body) === 0;
}

class Hello {
  static readonly attributes = { way: 'string' } as const;
  way: string;

  constructor(way = '') {
    this.way = way;
  }
}

describe('an application on several hosts', function () {
  let hosts: LoopbackHosts;
  let a: RealSystem;
  let b: RealSystem;

  beforeEach(async () => {
    hosts = new LoopbackHosts();
    a = await hosts.start('a');
    b = await hosts.start('b');
    for (const { host } of [a, b]) await host.run({ name: APP, lingerMs: 200 });
    await hosts.together(APP);
  });

  afterEach(async function () {
    await hosts.stop(this.currentTest?.state === 'failed');
  });

  const codeOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'nothing',
      (error: unknown) => (isMirrorflowError(error) ? `${error.code}: ${error.message}` : String(error)),
    );

  async function next(flow: InputFlow): Promise<number> {
    const buffer = await flow.take({ timeoutMs: 60_000 });
    if (buffer === undefined) throw new Error('no buffer came');
    const value = Buffer.from(buffer.data).readUInt32LE(0);
    buffer.release();
    return value;
  }

  const numbered = (value: number): Buffer => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(value);
    return bytes;
  };

  /**
   * A provider on one host and a consumer on the other, which has the first buffer, whose number is
   * 1.
   */
  async function joined(): Promise<{ provider: Client; out: OutputFlow; flow: InputFlow }> {
    const provider = await a.client(APP, 'provider');
    const out = await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    await out.write(numbered(1));
    expect(await next(flow)).to.equal(1);
    return { provider, out, flow };
  }

  /** What is written arrives, be it after a while. */
  async function goesOn(out: OutputFlow, flow: InputFlow): Promise<void> {
    let value = 1;
    const writing = setInterval(() => {
      out.write(numbered((value += 1))).catch(() => undefined);
    }, 20);
    try {
      expect(await next(flow)).to.be.greaterThan(1);
    } finally {
      clearInterval(writing);
    }
  }

  it('a flow that is opened on one host and provided on another comes from there, lossless', async () => {
    const provider = await a.client(APP, 'provider');
    const out = await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    const writing = (async () => {
      for (let value = 0; value < 200; value += 1) await out.write(numbered(value));
    })();
    for (let value = 0; value < 200; value += 1) expect(await next(flow)).to.equal(value);
    await writing;
    expect(flow.lost).to.equal(0);
    const found = (await consumer.flows()).find((info) => info.flow === 'events');
    expect(found?.source).to.match(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  });

  it('its duplicators end after the last consumer', async () => {
    const provider = await a.client(APP, 'provider');
    await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    await flow.close();
    const idle = (client: Client) => async (): Promise<boolean> =>
      (await client.flows()).every((info) => info.flow !== 'events' || info.state !== 'running');
    await eventually(idle(consumer), 'the duplicator of the consumer has ended');
  });

  it('a second provider is refused wherever it is, with the first one’s name and host', async () => {
    const provider = await a.client(APP, 'provider');
    await provider.openOutput('events', SIZES);
    const second = await b.client(APP, 'second');
    const refused = await codeOf(second.openOutput('events', SIZES));
    expect(refused).to.match(/^FLOW_BUSY: .*client provider \(process \d+\) on host a$/);
  });

  it('consumers that were there first get a provider that comes on another host', async () => {
    const early = await a.client(APP, 'early');
    const first = await early.openOutput('events', SIZES);
    const consumer = await a.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    await first.write(numbered(1));
    expect(await next(flow)).to.equal(1);
    await first.close();
    const provider = await b.client(APP, 'provider');
    const out = await provider.openOutput('events', SIZES);
    await goesOn(out, flow);
  });

  it('follows a duplicator that was killed and listens somewhere else', async () => {
    const { provider, out, flow } = await joined();
    const pid = await a.duplicatorPid(provider, 'events');
    if (pid === undefined) throw new Error('there is no duplicator');
    process.kill(pid, 'SIGKILL');
    await goesOn(out, flow);
  });

  it('data go on when all control processes of both hosts are killed', async () => {
    const { out, flow } = await joined();
    for (const system of [a, b]) {
      const { pid } = await system.host.info();
      const app = (await system.host.applications()).find(({ name }) => name === APP)?.pid;
      process.kill(pid, 'SIGKILL');
      if (app !== undefined) process.kill(app, 'SIGKILL');
    }
    for (let sent = 2; sent < 12; sent += 1) await out.write(numbered(sent));
    for (let sent = 2; sent < 12; sent += 1) expect(await next(flow)).to.equal(sent);
    // Those that come next take up what goes on.
    for (const system of [a, b]) await system.startHost();
    for (const system of [a, b]) {
      await eventually(async () => {
        return (await system.host.applications()).some(({ state }) => state === 'running');
      }, 'the application is known again');
    }
  });

  it('messages reach clients, the application and a provider on other hosts', async () => {
    const provider = await a.client(APP, 'provider');
    await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    await consumer.openInput('events');
    const received: string[] = [];
    provider.on(Hello, ({ way }) => void received.push(way));
    expect(await consumer.send(new Hello('client'), { to: { client: 'provider' } })).to.equal(1);
    expect(await consumer.send(new Hello('application'), { to: { application: true } })).to.equal(1);
    expect(await consumer.send(new Hello('provider'), { to: { provider: 'events' } })).to.equal(1);
    await eventually(() => received.length === 3, 'all have come');
    expect(received).to.deep.equal(['client', 'application', 'provider']);
    expect(await codeOf(consumer.send(new Hello(''), { to: { client: 'nobody' } }))).to.match(
      /^UNKNOWN_CLIENT/,
    );
  });

  it('marks of a consumer reach the provider on another host', async () => {
    const provider = await a.client(APP, 'provider');
    const out = await provider.openOutput('events', SIZES);
    const marks: string[] = [];
    out.on('flowControl', (mark) => void marks.push(`${mark.kind} of ${mark.consumer}`));
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events', { history: 8, flowControl: { xoff: [6], xon: [2] } });
    for (let value = 0; value < 8; value += 1) await out.write(numbered(value));
    await eventually(() => marks.includes('xoff of consumer'), 'the XOFF has come');
    for (let value = 0; value < 8; value += 1) expect(await next(flow)).to.equal(value);
    await eventually(() => marks.includes('xon of consumer'), 'the XON has come');
  });

  it('everybody is seen, and asked to quit, from any host', async () => {
    const provider = await a.client(APP, 'provider');
    await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    await consumer.openInput('events');
    const { clients, elsewhere } = await consumer.network({ everywhere: true });
    expect(clients.map(({ name, consumes }) => [name, consumes])).to.deep.equal([['consumer', ['events']]]);
    const [there] = elsewhere ?? [];
    expect(there?.host).to.equal('a');
    expect(there?.clients.map(({ name, provides }) => [name, provides])).to.deep.equal([
      ['provider', ['events']],
    ]);
    const statistics = await provider.applicationStatistics({ everywhere: true });
    expect(statistics.elsewhere?.[0]?.clients.map(({ name }) => name)).to.deep.equal(['consumer']);
    const quit = new Promise<void>((resolve) => void consumer.on('quit', () => resolve()));
    expect(await provider.requestQuit('consumer')).to.equal(1);
    await quit;
    expect(await codeOf(provider.runProgram('viewer', 'b'))).to.match(/^UNKNOWN_PROGRAM: /);
    expect(await codeOf(provider.runProgram('viewer', 'c'))).to.match(/^UNKNOWN_HOST: .*runs on b$/);
  });

  it('what app servers say to each other, nobody else may say', async () => {
    const session = await connectSession(
      { path: appSocketPath(a.directory, APP) },
      { context: () => undefined, log: new Logger('test', { sink: () => undefined }) },
    );
    const call = callerOf(CONTRACT, session);
    expect(await codeOf(call('remote.serve', ['b', 'events', 0]))).to.match(/^NOT_PERMITTED/);
    expect(await codeOf(call('app.hosts', ['a', []]))).to.match(/^NOT_PERMITTED/);
    session.destroy();
  });

  it('a mirror is had by way of another host, and SpecTcl sees one connection', async () => {
    const simulator = await a.simulator({ rate: 20_000, intervalMs: 10, channelBytes: 2 * 2 ** 20 });
    await a.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    await b.host.run({ name: 'e1', via: 'a' });
    expect((await b.host.applications()).find(({ name }) => name === 'e1')).to.include({ via: 'a' });
    const there = await b.client('e1', 'viewer');
    const mirror = await there.mirror();
    await eventually(() => mirror.published > 10, 'it is kept up to date');
    for (let reads = 0; reads < 20; reads += 1) {
      expect(mirror.read((spectra) => verifyChecksum(spectra.memory).ok)).to.equal(true);
    }
    expect(simulator.counters.mirrorConnections).to.equal(1);
  });

  it('a registered program is run on the host that is asked for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mirrorflow-programs-'));
    const ran = join(folder, 'ran');
    const script = `require('fs').writeFileSync(process.argv[1], [process.ppid, process.env.MIRRORFLOW_APPLICATION, process.env.MIRRORFLOW_DIR].join(' '))`;
    const file = join(folder, 'configuration.json');
    const viewer = { command: process.execPath, args: ['-e', script, ran] };
    writeFileSync(file, JSON.stringify({ applications: [{ name: 'show', programs: { viewer } }] }));
    const c = await hosts.start('c', ['a', 'b'], ['--config', file]);
    await a.host.run({ name: 'show' });
    await hosts.together();
    const client = await a.client('show');
    const pid = await eventually(() =>
      client.runProgram('viewer', 'c').catch((error: unknown) => {
        if (isMirrorflowError(error, 'UNKNOWN_HOST')) return undefined;
        throw error;
      }), 'the program is run',
    );
    expect(pid).to.be.greaterThan(1);
    const told = await eventually(() => existsSync(ran) && readFileSync(ran, 'utf8'), 'it has told');
    expect(told).to.match(new RegExp(`^\\d+ show ${c.directory}$`));
    rmSync(folder, { recursive: true });
  });

  it('the gateway of a host with `via` serves what that of the source serves, byte for byte', async () => {
    const simulator = await a.simulator({ rate: 0, channelBytes: 2 * 2 ** 20 });
    simulator.step(1_000);
    const gateway = { restPort: 0, mirrorPort: 0 };
    await a.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    await b.host.run({ name: 'e1', via: 'a', gateway });
    const { mirrorPort } = await gatewayOf(await b.client('e1'));
    const direct = await MirrorPeer.connect(simulator.mirrorPort);
    const served = await MirrorPeer.connect(mirrorPort);
    try {
      direct.shmInfo('aaaa');
      served.shmInfo('bbbb');
      const full = await direct.update();
      expect(full.type).to.equal(FULL);
      expect(same(await served.update(), full)).to.equal(true);
      simulator.step(500);
      const partial = await direct.update();
      expect(partial.type).to.equal(PARTIAL);
      await eventually(async () => same(await served.update(), partial), 'the change came through');
    } finally {
      direct.close();
      served.close();
    }
  });

  it('an application that is stopped and run from another host keeps what it was told at first', async () => {
    const before = await a.host.run({ name: 'other', via: 'a', lingerMs: 300 }, 'b');
    expect(await a.host.stop('other', 'b')).to.include({ state: 'stopped' });
    const again = await a.host.run({ name: 'other' }, 'b');
    expect(again).to.include({ state: 'running', via: 'a' });
    expect(again.pid).to.not.equal(before.pid);
    expect((await a.host.applications()).map(({ name }) => name)).to.deep.equal([APP]);
  });

  it('a provider and its consumers on another host go on when the application is started anew on its host', async () => {
    const provider = await a.client(APP, 'provider');
    const out = await provider.openOutput('events', { bufferSize: 64, buffers: 16 });
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    await out.write(numbered(1));
    expect(await next(flow)).to.equal(1);
    await a.host.restart({ name: APP });
    await goesOn(out, flow);
  });

  it('`via` names a host and nothing else, and one that is not there is said to be missing', async () => {
    expect(await codeOf(b.host.run({ name: 'e1', via: 'a/e1' }))).to.match(
      /^BAD_NAME: "a\/e1" is not a name of a host/,
    );
    await b.host.run({ name: 'e1', via: 'c' });
    const client = await b.client('e1');
    expect(await codeOf(client.getMemory())).to.match(/\bc\b/);
    await a.host.run({ name: 'e2' });
    await b.host.run({ name: 'e2', via: 'a' });
    expect(await codeOf((await b.client('e2')).getMemory())).to.match(
      /^(UNKNOWN_FLOW|NO_SOURCE|NOT_A_MIRROR)/,
    );
  });

  it('applications are started and stopped on another host', async () => {
    expect(await a.host.run({ name: 'other' }, 'b')).to.include({ state: 'running' });
    expect((await b.host.applications()).map(({ name }) => name)).to.deep.equal([APP, 'other']);
    expect(await a.host.stop('other', 'b')).to.include({ state: 'stopped' });
  });
});
