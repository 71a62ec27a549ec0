import { once } from 'node:events';
import { readToken } from '../../protocol/security/token-file.js';
import { readdirSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { expect } from 'chai';
import { connectHost, type Client, type FlowStatus } from '../../client-lib/index.js';
import { appSocketPath, hostSocketPath, linkSocketPath } from '../../protocol/directories.js';
import { inspectFlowFile } from '../../protocol/flow-file/open.js';
import { MessageKind, packHello, unpackRefusal } from '../../protocol/signal-link/messages.js';
import { streamLink } from '../../protocol/signal-link/stream-link.js';
import { connectSession } from '../../protocol/xml-rpc/connect-session.js';
import { Logger } from '../../protocol/log.js';
import { flood } from '../../bench/chaos/flood.js';
import { randomBits } from '../../examples/spectcl-simulator/random.js';
import { NumberedFlow } from './numbered-flow.js';
import { WholeSystem, eventually, killHard } from './whole-system.js';

const APP = 'e1';
const FLOW = 'events';

describe('what is promised', function () {
  let system: WholeSystem;
  let flow: NumberedFlow;
  let hostServer: ChildProcess;

  beforeEach(async () => {
    system = new WholeSystem();
    hostServer = await system.startHost();
    await system.host.run({ name: APP });
    flow = new NumberedFlow(system, APP, FLOW);
  });

  afterEach(async function () {
    await flow.kill();
    await system.stop(this.currentTest?.state === 'failed');
  });

  async function appServerPid(app = APP): Promise<number> {
    const info = (await system.host.applications()).find(({ name }) => name === app);
    return info?.state === 'running' ? (info.pid ?? 0) : 0;
  }

  /** Kills the app server; resolves with the process id of the next one. */
  async function killAppServer(): Promise<number> {
    const pid = await appServerPid();
    process.kill(pid, 'SIGKILL');
    return eventually('another app server', async () => {
      const now = await appServerPid();
      return now === pid || now === 0 ? undefined : now;
    });
  }

  async function intact(): Promise<void> {
    const { lost, doubled, torn } = await flow.end();
    expect({ lost, doubled, torn, problems: flow.problems }).to.deep.equal({
      lost: 0,
      doubled: 0,
      torn: 0,
      problems: [],
    });
  }

  function statusesOf(client: Client): FlowStatus['status'][] {
    const statuses: FlowStatus['status'][] = [];
    client.on('status', ({ status }) => statuses.push(status));
    return statuses;
  }

  it('a consumer that is killed releases its credit at once, and the others lose nothing', async () => {
    const [one, other] = [flow.consumer('one'), flow.consumer('other')];
    flow.startProvider();
    for (const { program } of [one, other]) program.start();
    await flow.goesOn();
    for (let kills = 0; kills < 3; kills += 1) {
      await one.killAndRestart();
      await flow.goesOn([other]);
    }
    await flow.goesOn();
    const hog = system.program('test/fixtures/lossless-consumer.js', [
      linkSocketPath(system.directory, APP, FLOW),
    ]);
    await once(hog.stdout!, 'data');
    let before = -1;
    await eventually('the ring is full', async () => {
      const now = flow.published;
      const still = now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still;
    });
    await killHard(hog);
    await flow.goesOn();
    await intact();
  });

  it('a provider that is killed in mid-write leaves no torn buffer, consumers learn it, and another goes on', async () => {
    const writer = system.program('test/fixtures/system/half-writer.js', [APP, 'halves']);
    await once(writer.stdout!, 'data');
    const client = await system.client(APP);
    const input = await client.openInput('halves');
    const statuses = statusesOf(client);
    const { sequence } = (await input.take())!;
    expect(sequence).to.equal(0);
    await killHard(writer);
    await eventually('consumers learn it', () => statuses.includes('stale'));
    expect(input.takeNow()).to.equal(undefined);
    const out = await eventually('the seat is free', () =>
      client.openOutput('halves', { bufferSize: 64, buffers: 4 }).catch(() => undefined),
    );
    await out.write(Buffer.alloc(64, 3));
    const next = (await input.take())!;
    expect([next.sequence, ...new Set(next.data)]).to.deep.equal([1, 3]);
    await eventually('live', () => statuses.at(-1) === 'live');
    await client.close();

    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    for (let kills = 0; kills < 3; kills += 1) {
      await flow.restartProvider();
      await flow.goesOn();
    }
    await intact();
  });

  it('a duplicator that is killed costs a lossless flow nothing that was published, and all attach again by themselves', async () => {
    flow.consumer('one').program.start();
    flow.consumer('two').program.start();
    flow.startProvider();
    await flow.goesOn();
    const client = await system.client(APP);
    const input = await client.openInput(FLOW, { delivery: 'lossy', start: 'next' });
    const statuses = statusesOf(client);
    for (let kills = 1; kills <= 3; kills += 1) {
      const pid = await eventually('a duplicator', () => system.duplicatorPid(client, FLOW));
      process.kill(pid, 'SIGKILL');
      await eventually(
        'attached again',
        () => statuses.filter((status) => status === 'reattached').length === kills,
      );
      await eventually('live', () => statuses.at(-1) === 'live');
      await flow.goesOn();
    }
    expect(statuses.filter((_status, at) => at > 0 && at < 4)).to.deep.equal(['stale', 'reattached', 'live']);
    expect(statuses).not.to.include('ended');
    await input.close();
    expect(statuses.at(-1)).to.equal('ended');
    await client.close();
    await intact();
  });

  it('a duplicator that dies at once again and again is given up, with a clear state', async () => {
    flow.startProvider();
    const client = await system.client(APP);
    await eventually('the flow', async () => (await client.flows()).length > 0);
    const input = await client.openInput(FLOW);
    const killed = new Set<number>();
    const failed = await eventually('given up', async () => {
      const info = (await client.flows()).find((found) => found.flow === FLOW);
      if (info?.state === 'running' && info.pid !== undefined && !killed.has(info.pid)) {
        killed.add(info.pid);
        process.kill(info.pid, 'SIGKILL');
      }
      return info?.state === 'failed' ? info : undefined;
    });
    expect(failed.cause).to.match(/ended 9 times within 30 s and is given up/);
    expect(killed.size).to.equal(9);
    await input.close();
  });

  it('an app server that is killed costs nothing: flows go on, and the next one adopts them', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    const client = await system.client(APP);
    const before = await eventually('a duplicator', () => system.duplicatorPid(client, FLOW));
    for (let kills = 0; kills < 2; kills += 1) {
      await killAppServer();
      await flow.goesOn();
    }
    const names = await eventually('all clients are known again', async () => {
      const found = (await client.clients().catch(() => [])).map(({ name }) => name).toSorted();
      return found.length === 3 && found;
    });
    expect(names).to.deep.equal([`consumer-${FLOW}`, `provider-${FLOW}`, 'test']);
    expect(await eventually('adopted', () => system.duplicatorPid(client, FLOW))).to.equal(before);
    const info = (await client.flows()).find((found) => found.flow === FLOW);
    expect(info).to.include({ state: 'running', restarts: 0, clients: 2 });
    await client.close();
    await intact();
  });

  it('a host server that is killed costs nothing: the next one sees all again', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    const before = await appServerPid();
    await killHard(hostServer);
    await flow.goesOn();
    hostServer = await system.startHost();
    expect(await eventually('adopted', async () => (await appServerPid()) || undefined)).to.equal(before);
    await intact();
  });

  it('with host server and app server killed and kept down, an open flow runs at full rate', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    const appServer = await appServerPid();
    await killHard(hostServer);
    process.kill(appServer, 'SIGKILL');
    // The provider writes four buffers every five milliseconds, so many that the ring has gone round more than thirty times.
    const { sent, delivered } = { ...flow.ledger.totals };
    await eventually('two thousand more', () => flow.published > sent + 2000);
    await eventually('all of them delivered', () => flow.ledger.totals.delivered > delivered + 2000);
    expect(await connectHost({ directory: system.directory }).catch(() => 'down')).to.equal('down');
    hostServer = await system.startHost();
    await eventually('served again', async () => (await appServerPid()) > 0);
    await intact();
  });

  it('twenty-four processes killed at the same instant and started again: everything mirrors, nothing old is left', async () => {
    const apps = ['m1', 'm2', 'm3', 'm4'];
    const simulators = await Promise.all(
      apps.map(() => system.simulator({ rate: 20_000, intervalMs: 50, channelBytes: 2 ** 21 })),
    );
    const start = async (): Promise<NumberedFlow[]> => {
      for (const [at, name] of apps.entries())
        await system.host.run({ name, source: simulators[at]!.address });
      const flows = apps.map((name) => new NumberedFlow(system, name, FLOW));
      for (const [at, one] of flows.entries()) {
        one.startProvider();
        one.consumer(`consumer-${apps[at]}`).program.start();
      }
      await Promise.all(flows.map((one) => one.goesOn()));
      return flows;
    };
    let flows = await start();
    const viewers = await Promise.all(apps.map((name) => system.client(name)));
    const mirrors = await Promise.all(viewers.map((viewer) => viewer.mirror()));
    const old = [
      hostServer.pid!,
      ...(await system.host.applications()).map(({ pid }) => pid!),
      ...(
        await Promise.all(viewers.map(async (viewer) => (await viewer.flows()).map(({ pid }) => pid!)))
      ).flat(),
      ...flows.flatMap(({ pids }) => pids),
    ];
    expect(old.length).to.be.at.least(22);
    const more = [0, 1].map(() =>
      system.program('test/fixtures/lossless-consumer.js', [linkSocketPath(system.directory, 'm1', FLOW)]),
    );
    const everybody = [...old, ...more.map(({ pid }) => pid!)];
    expect(everybody.length).to.be.at.least(24);
    const ends = [hostServer, ...more].map((child) => once(child, 'exit'));
    for (const one of flows) for (const participant of [one.provider]) participant.expectEnd();
    for (const pid of everybody) process.kill(pid, 'SIGKILL');
    await Promise.all(ends);
    await Promise.all(flows.map((one) => one.kill()));

    hostServer = await system.startHost();
    flows = await start();
    // Displays that lived on are attached again by themselves, and show what their sources have.
    for (const mirror of mirrors) await eventually('the mirror is live', () => mirror.isMirroring);
    for (const directory of readdirSync(system.flowDirectory)) {
      if (directory.startsWith('.')) continue;
      for (const file of readdirSync(join(system.flowDirectory, directory)).filter(
        (name) => !name.startsWith('.'),
      )) {
        expect(file).to.match(/^(events|spectra)\.(flow|image)$/);
        if (!file.endsWith('.flow')) continue;
        const owner = inspectFlowFile(join(system.flowDirectory, directory, file));
        expect(owner.kind).to.equal('owned');
        expect(old).not.to.include(owner.kind === 'owned' ? owner.pid : 0);
      }
    }
    for (const one of flows) expect((await one.end()).lost).to.equal(0);
  });

  it('garbage on any port or socket harms nobody: memory stays bounded, everybody answers', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    const info = (await system.host.applications())[0]!;
    const { port } = await system.host.info();
    const { directory } = system;
    const targets = [
      { path: hostSocketPath(directory) },
      { path: appSocketPath(directory, APP) },
      { path: linkSocketPath(directory, APP, FLOW) },
      { port },
      { port: info.port! },
    ];
    for (let round = 0; round < 5; round += 1) await flood(targets, 20, 50, randomBits(round));
    const body = Buffer.alloc(5 * 2 ** 20, 'x');
    const huge = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/xml', authorization: `Bearer ${readToken(directory)}` },
    }).catch(() => undefined);
    // Either the answer arrives, or the connection was closed under the sender before it could read it.
    if (huge !== undefined) expect(huge.status).to.equal(413);
    await flow.goesOn();
    expect((await system.host.info()).pid).to.equal(hostServer.pid);
    expect(await appServerPid()).to.equal(info.pid);
    await intact();
  });

  it('other versions are refused with both versions named', async () => {
    flow.startProvider();
    const client = await system.client(APP);
    await client.openInput(FLOW).catch(() => undefined);
    const path = linkSocketPath(system.directory, APP, FLOW);
    const link = await eventually('the link', () =>
      streamLink()
        .connect(path)
        .catch(() => undefined),
    );
    const refusal = new Promise<string>((resolve) => {
      link.onMessage((kind, _value, detail) => {
        if (kind === MessageKind.REFUSED) resolve(unpackRefusal(detail));
      });
    });
    link.signal(MessageKind.HELLO, 1, packHello({ role: 'consumer', delivery: 'lossy', start: 'latest' }, 9));
    expect(await refusal).to.equal('VERSION_MISMATCH');
    const log = new Logger('test', { sink: () => undefined });
    const session = await connectSession(
      { path: appSocketPath(system.directory, APP) },
      { context: () => undefined, log },
    );
    const presentation = { name: 'old', program: 'old', pid: 1, version: 99 };
    const refused = await session
      .call('client.present', [presentation])
      .catch((error: unknown) => String(error));
    expect(refused).to.match(/version 99.*version 1/);
    session.destroy();
    await eventually('the log names both', () =>
      /version 9 of the signal link, this duplicator version \d/.test(system.logs()),
    );
  });

  describe('of hostile local clients', () => {
    beforeEach(async () => {
      flow.consumer('honest').program.start();
      flow.startProvider();
      await flow.goesOn();
    });

    /** What the hostile ones did is over; the honest one has lost nothing, and its duplicator is the same. */
    async function unharmed(pid: number): Promise<void> {
      await flow.goesOn();
      const client = await system.client(APP);
      expect(await system.duplicatorPid(client, FLOW)).to.equal(pid);
      await client.close();
      await intact();
    }

    async function duplicator(): Promise<number> {
      const client = await system.client(APP, 'asking');
      const pid = await eventually('a duplicator', () => system.duplicatorPid(client, FLOW));
      await client.close();
      return pid;
    }

    it('one that acknowledges the future, or backwards, or nonsense, is closed alone', async () => {
      const pid = await duplicator();
      const path = linkSocketPath(system.directory, APP, FLOW);
      const lies: readonly (readonly [kind: MessageKind, value: number])[] = [
        [MessageKind.ACK, Number.MAX_SAFE_INTEGER],
        [MessageKind.ACK, 0],
        [MessageKind.PUBLISHED, 1],
        [MessageKind.CREDIT, 1],
        [MessageKind.HELLO, 2],
      ];
      for (const [kind, value] of lies) {
        const link = await streamLink().connect(path);
        const closed = new Promise((resolve) => link.onClose(resolve));
        link.onMessage((found) => {
          if (found === MessageKind.BEGIN) link.signal(kind, value);
        });
        link.signal(
          MessageKind.HELLO,
          1,
          packHello({ role: 'consumer', delivery: 'lossy', start: 'latest' }),
        );
        await closed;
      }
      await unharmed(pid);
    });

    it('a lossy one that never acknowledges holds nobody back', async () => {
      const pid = await duplicator();
      const link = await streamLink().connect(linkSocketPath(system.directory, APP, FLOW));
      link.signal(MessageKind.HELLO, 1, packHello({ role: 'consumer', delivery: 'lossy', start: 'oldest' }));
      const from = flow.published;
      await eventually('the ring goes round ten times', () => flow.published > from + 640);
      link.destroy();
      await unharmed(pid);
    });

    it('a thousand connections that say nothing, or half a message, let the others be', async () => {
      const pid = await duplicator();
      const paths = [
        linkSocketPath(system.directory, APP, FLOW),
        appSocketPath(system.directory, APP),
        hostSocketPath(system.directory),
      ];
      const sockets = paths.flatMap((path) =>
        Array.from({ length: 1000 }, (_, at) => {
          const socket = connectSocket({ path });
          socket.on('error', () => undefined);
          socket.once('connect', () => socket.write(Buffer.alloc(at % 16, 1)));
          return socket;
        }),
      );
      await flow.goesOn();
      const client = await system.client(APP);
      expect((await client.flows()).length).to.equal(1);
      await client.close();
      for (const socket of sockets) socket.destroy();
      await unharmed(pid);
    });
  });

  it('a lossless consumer that never acknowledges is made lossy when a stall timeout is set', async () => {
    await system.host.run({ name: 'e2', stallTimeoutMs: 3_000 });
    const stalling = new NumberedFlow(system, 'e2', FLOW);
    stalling.consumer('honest').program.start();
    stalling.startProvider();
    await stalling.goesOn();
    const hog = system.program('test/fixtures/lossless-consumer.js', [
      linkSocketPath(system.directory, 'e2', FLOW),
    ]);
    await once(hog.stdout!, 'data');
    const from = stalling.published;
    await eventually('the ring goes round ten times', () => stalling.published > from + 640);
    await killHard(hog);
    expect((await stalling.end()).lost).to.equal(0);
  });
});
