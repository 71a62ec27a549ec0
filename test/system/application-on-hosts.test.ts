/** Applications that run on several hosts, as real processes on this machine's loopback. */
import { expect } from 'chai';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, InputFlow, OutputFlow } from '../../client-lib/index.js';
import { isMirrorflowError } from '../../client-lib/index.js';
import { verifyChecksum } from '../../simulator/checksum.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { appSocketPath } from '../../protocol/base/paths.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { MirrorTestClient } from '../simulator/mirror-test-client.js';
import { failureOf } from '../kit/failure-of.js';
import { silent } from '../kit/silent-log.js';
import { gatewayOf } from './gateway-system.js';
import { eventually } from '../kit/eventually.js';
import { HostNetwork } from '../kit/host-network.js';
import type { RealSystem } from '../kit/real-system.js';

const APP = 'lab';
const SIZES = { bufferSize: 64, buffers: 16 } as const;

/** Types of messages of SpecTcl's mirror service. */
const FULL = 3;
const PARTIAL = 4;

type Update = Awaited<ReturnType<MirrorTestClient['update']>>;

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
  let hosts: HostNetwork;
  let a: RealSystem;
  let b: RealSystem;

  beforeEach(async () => {
    hosts = new HostNetwork();
    a = await hosts.start('a');
    b = await hosts.start('b');
    for (const { host } of [a, b]) await host.run({ name: APP, lingerMs: 200 });
    await hosts.connected(APP);
  });

  afterEach(async function () {
    await hosts.stop(this.currentTest?.state === 'failed');
  });

  const errorOf = async (promise: Promise<unknown>): Promise<string> => {
    const { code, message } = await failureOf(promise);
    return `${code}: ${message}`;
  };

  async function next(flow: InputFlow): Promise<number> {
    const buffer = await flow.take({ timeoutMs: 60_000 });
    if (buffer === undefined) throw new Error('no buffer arrived within 60 s');
    const value = Buffer.from(buffer.data).readUInt32LE(0);
    buffer.release();
    return value;
  }

  const numbered = (value: number): Buffer => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(value);
    return bytes;
  };

  /** A provider on host a and a consumer on host b that has taken the first buffer, number 1. */
  async function connectedFlow(): Promise<{ provider: Client; out: OutputFlow; flow: InputFlow }> {
    const provider = await a.client(APP, 'provider');
    const out = await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    await out.write(numbered(1));
    expect(await next(flow)).to.equal(1);
    return { provider, out, flow };
  }

  /** The newest value that expectNewBuffer has written; connectedFlow writes 1. */
  let written = 1;

  /** Writes until the consumer has received one of the new buffers; older ones may come first. */
  async function expectNewBuffer(out: OutputFlow, flow: InputFlow): Promise<void> {
    const before = written;
    const writing = setInterval(() => {
      out.write(numbered((written += 1))).catch(() => undefined);
    }, 20);
    try {
      let received = await next(flow);
      while (received <= before) received = await next(flow);
    } finally {
      clearInterval(writing);
    }
  }

  it('a consumer on another host than its provider receives every buffer in order', async () => {
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
    const info = (await consumer.flows()).find(({ flow }) => flow === 'events');
    expect(info?.source).to.match(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  });

  it('the duplicator on the host of the consumers ends after the last consumer', async () => {
    const provider = await a.client(APP, 'provider');
    await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    await flow.close();
    const idle = (client: Client) => async (): Promise<boolean> =>
      (await client.flows()).every((info) => info.flow !== 'events' || info.state !== 'running');
    await eventually(idle(consumer), 'the duplicator on the consumer’s host has ended');
  });

  it('a second provider on another host is refused with the name and host of the first one', async () => {
    const provider = await a.client(APP, 'provider');
    await provider.openOutput('events', SIZES);
    const second = await b.client(APP, 'second');
    const refused = await errorOf(second.openOutput('events', SIZES));
    expect(refused).to.match(/^FLOW_BUSY: .*client provider \(process \d+\) on host a$/);
  });

  it('of two hosts that open a new flow for output at one moment exactly one succeeds, fifteen times', async () => {
    const one = await a.client(APP, 'one');
    const two = await b.client(APP, 'two');
    for (let round = 0; round < 15; round += 1) {
      const name = `new${round}`;
      const outcomes = await Promise.allSettled([one, two].map((client) => client.openOutput(name, SIZES)));
      const [refused, ...others] = outcomes.filter(({ status }) => status === 'rejected');
      expect(others, name).to.deep.equal([]);
      const { code, message } = (refused as PromiseRejectedResult).reason as {
        code: string;
        message: string;
      };
      expect(code).to.equal('FLOW_BUSY');
      expect(message).to.match(/has a provider already: client (one|two) .*on host [ab]$/);
    }
  });

  it('consumers receive the buffers of a later provider on another host', async () => {
    const early = await a.client(APP, 'early');
    const first = await early.openOutput('events', SIZES);
    const consumer = await a.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    await first.write(numbered(1));
    expect(await next(flow)).to.equal(1);
    await first.close();
    const provider = await b.client(APP, 'provider');
    const out = await provider.openOutput('events', SIZES);
    await expectNewBuffer(out, flow);
  });

  it('a consumer on another host receives buffers again when the sending duplicator was killed', async () => {
    const { provider, out, flow } = await connectedFlow();
    const pid = await a.duplicatorPid(provider, 'events');
    if (pid === undefined) throw new Error('the flow has no duplicator');
    process.kill(pid, 'SIGKILL');
    await expectNewBuffer(out, flow);
  });

  it('receivers find the next sender of a flow while the host server of that host is down', async () => {
    const { provider, out, flow } = await connectedFlow();
    const early = await b.client(APP, 'early');
    process.kill((await a.host.info()).pid, 'SIGKILL');
    await eventually(async () => {
      const entry = (await b.host.network()).find(({ host }) => host === 'a');
      return entry?.connected !== true;
    }, 'host b has lost the host server of a');
    const killed = await a.duplicatorPid(provider, 'events');
    process.kill(killed!, 'SIGKILL');
    await expectNewBuffer(out, flow);
    await flow.close();
    await eventually(
      async () => !(await early.flows()).some((info) => info.flow === 'events'),
      'host b has no duplicator of the flow',
    );
    await expectNewBuffer(out, await early.openInput('events'));
    await a.startHost();
  });

  it('buffers between hosts flow on while all control processes of both hosts are killed', async () => {
    const { out, flow } = await connectedFlow();
    for (const system of [a, b]) {
      const { pid } = await system.host.info();
      const app = (await system.host.applications()).find(({ name }) => name === APP)?.pid;
      process.kill(pid, 'SIGKILL');
      if (app !== undefined) process.kill(app, 'SIGKILL');
    }
    for (let sent = 2; sent < 12; sent += 1) await out.write(numbered(sent));
    for (let sent = 2; sent < 12; sent += 1) expect(await next(flow)).to.equal(sent);
    // The next host servers adopt the running duplicators.
    for (const system of [a, b]) await system.startHost();
    for (const system of [a, b]) {
      await eventually(async () => {
        return (await system.host.applications()).some(({ state }) => state === 'running');
      }, 'the application is listed again');
    }
  });

  it('messages reach clients, the application and a provider on other hosts', async () => {
    const provider = await a.client(APP, 'provider');
    await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    await consumer.openInput('events');
    const received: string[] = [];
    provider.on(Hello, ({ way }) => void received.push(way));
    const there = [{ client: 'provider', host: 'a' }];
    expect((await consumer.send(new Hello('client'), { to: { client: 'provider' } })).received).to.deep.equal(
      there,
    );
    expect(
      (await consumer.send(new Hello('application'), { to: { application: true } })).received,
    ).to.deep.equal(there);
    expect(
      (await consumer.send(new Hello('provider'), { to: { provider: 'events' } })).received,
    ).to.deep.equal(there);
    await eventually(() => received.length === 3, 'all messages have arrived');
    expect(received).to.deep.equal(['client', 'application', 'provider']);
    expect(await errorOf(consumer.send(new Hello(''), { to: { client: 'nobody' } }))).to.match(
      /^UNKNOWN_CLIENT/,
    );
  });

  it('flow control marks of a consumer reach the provider on another host', async () => {
    const provider = await a.client(APP, 'provider');
    const out = await provider.openOutput('events', SIZES);
    const marks: string[] = [];
    out.on('flowControl', (mark) => void marks.push(`${mark.kind} of ${mark.consumer}`));
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events', { history: 8, flowControl: { xoff: [6], xon: [2] } });
    for (let value = 0; value < 8; value += 1) await out.write(numbered(value));
    await eventually(() => marks.includes('xoff of consumer'), 'the XOFF mark has arrived');
    for (let value = 0; value < 8; value += 1) expect(await next(flow)).to.equal(value);
    await eventually(() => marks.includes('xon of consumer'), 'the XON mark has arrived');
  });

  it('clients of all hosts can be listed and asked to quit from any host', async () => {
    const provider = await a.client(APP, 'provider');
    await provider.openOutput('events', SIZES);
    const consumer = await b.client(APP, 'consumer');
    await consumer.openInput('events');
    const { clients, elsewhere } = await consumer.network({ everywhere: true });
    expect(clients.map(({ name, consumes }) => [name, consumes])).to.deep.equal([['consumer', ['events']]]);
    const [hostA] = elsewhere ?? [];
    expect(hostA?.host).to.equal('a');
    expect(hostA?.clients.map(({ name, provides }) => [name, provides])).to.deep.equal([
      ['provider', ['events']],
    ]);
    const statistics = await provider.applicationStatistics({ everywhere: true });
    expect(statistics.elsewhere?.[0]?.clients.map(({ name }) => name)).to.deep.equal(['consumer']);
    const quit = new Promise<void>((resolve) => void consumer.on('quit', () => resolve()));
    expect(await provider.requestQuit('consumer')).to.equal(1);
    await quit;
    expect(await errorOf(provider.runProgram('viewer', 'b'))).to.match(/^UNKNOWN_PROGRAM: /);
    expect(await errorOf(provider.runProgram('viewer', 'c'))).to.match(/^UNKNOWN_HOST: .*runs on b$/);
  });

  it('calls between app servers are refused to other clients', async () => {
    const session = await connectSession(
      { path: appSocketPath(a.directory, APP, 'control') },
      { context: () => undefined, log: silent },
    );
    const call = callerOf(CONTRACT, session);
    expect(await errorOf(call('remote.serve', ['b', 'events', 0]))).to.match(/^NOT_PERMITTED/);
    expect(await errorOf(call('app.hosts', ['a', []]))).to.match(/^NOT_PERMITTED/);
    session.destroy();
  });

  it('an application with `via` mirrors through another host, and SpecTcl has one connection', async () => {
    const simulator = await a.simulator({ rate: 20_000, intervalMs: 10, channelBytes: 2 * 2 ** 20 });
    await a.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    await b.host.run({ name: 'e1', via: 'a' });
    expect((await b.host.applications()).find(({ name }) => name === 'e1')).to.include({ via: 'a' });
    const viewer = await b.client('e1', 'viewer');
    const mirror = await viewer.mirror();
    await eventually(() => mirror.published > 10, 'the mirror is updated');
    for (let reads = 0; reads < 20; reads += 1) {
      expect(mirror.read((spectra) => verifyChecksum(spectra.memory).ok)).to.equal(true);
    }
    expect(simulator.counters.mirrorConnections).to.equal(1);
  });

  it('a registered program is run on the requested host', async () => {
    const folder = a.root;
    const ran = join(folder, 'ran');
    const script = `require('fs').writeFileSync(process.argv[1], [process.ppid, process.env.MIRRORFLOW_APPLICATION, process.env.MIRRORFLOW_DIR].join(' '))`;
    const file = join(folder, 'configuration.json');
    const viewer = { command: process.execPath, args: ['-e', script, ran] };
    writeFileSync(file, JSON.stringify({ applications: [{ name: 'show', programs: { viewer } }] }));
    const c = await hosts.start('c', { options: ['--config', file] });
    await a.host.run({ name: 'show' });
    await hosts.connected();
    const client = await a.client('show');
    const pid = await eventually(
      () =>
        client.runProgram('viewer', 'c').catch((error: unknown) => {
          if (isMirrorflowError(error, 'UNKNOWN_HOST')) return undefined;
          throw error;
        }),
      'the program is started',
    );
    expect(pid).to.be.greaterThan(1);
    const report = await eventually(
      () => existsSync(ran) && (readFileSync(ran, 'utf8') || false),
      'the program has written its report',
    );
    expect(report).to.match(new RegExp(`^\\d+ show ${c.directory}$`));
  });

  it('the gateway of a host with `via` serves the same bytes as SpecTcl', async () => {
    const simulator = await a.simulator({ rate: 0, channelBytes: 2 * 2 ** 20 });
    simulator.step(1_000);
    const gateway = { restPort: 0, mirrorPort: 0 };
    await a.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    await b.host.run({ name: 'e1', via: 'a', gateway });
    const { mirrorPort } = await gatewayOf(await b.client('e1'));
    const direct = await MirrorTestClient.connect(simulator.mirrorPort);
    const served = await MirrorTestClient.connect(mirrorPort);
    try {
      direct.sendShmInfo('aaaa');
      served.sendShmInfo('bbbb');
      const full = await direct.update();
      expect(full.type).to.equal(FULL);
      expect(same(await served.update(), full)).to.equal(true);
      simulator.step(500);
      const partial = await direct.update();
      expect(partial.type).to.equal(PARTIAL);
      await eventually(async () => same(await served.update(), partial), 'the gateway serves the change');
    } finally {
      direct.close();
      served.close();
    }
  });

  it('an application that is stopped and run again from another host keeps its options', async () => {
    const before = await a.host.run({ name: 'other', via: 'a', lingerMs: 300 }, 'b');
    expect(await a.host.stop('other', 'b')).to.include({ state: 'stopped' });
    const again = await a.host.run({ name: 'other' }, 'b');
    expect(again).to.include({ state: 'running', via: 'a' });
    expect(again.pid).to.not.equal(before.pid);
    expect((await a.host.applications()).map(({ name }) => name)).to.deep.equal([APP]);
  });

  it('a consumer on another host receives buffers again when the application of the provider was restarted', async () => {
    const provider = await a.client(APP, 'provider');
    const out = await provider.openOutput('events', { bufferSize: 64, buffers: 16 });
    const consumer = await b.client(APP, 'consumer');
    const flow = await consumer.openInput('events');
    await out.write(numbered(1));
    expect(await next(flow)).to.equal(1);
    await a.host.restart({ name: APP });
    await expectNewBuffer(out, flow);
  });

  it('`via` with another value than a host name is refused, and errors name a missing host', async () => {
    expect(await errorOf(b.host.run({ name: 'e1', via: 'a/e1' }))).to.match(
      /^BAD_NAME: "a\/e1" is not a name of a host/,
    );
    await b.host.run({ name: 'e1', via: 'c' });
    const client = await b.client('e1');
    expect(await errorOf(client.getMemory())).to.match(/\bc\b/);
    await a.host.run({ name: 'e2' });
    await b.host.run({ name: 'e2', via: 'a' });
    expect(await errorOf((await b.client('e2')).getMemory())).to.match(
      /^(UNKNOWN_FLOW|NO_SOURCE|NOT_A_MIRROR)/,
    );
  });

  it('a host server starts and stops applications on another host', async () => {
    expect(await a.host.run({ name: 'other' }, 'b')).to.include({ state: 'running' });
    expect((await b.host.applications()).map(({ name }) => name)).to.deep.equal([APP, 'other']);
    expect(await a.host.stop('other', 'b')).to.include({ state: 'stopped' });
  });
});
