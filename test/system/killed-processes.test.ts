/** Processes of every kind are killed under a lossless flow, which must stay intact. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectHost, type Client, type FlowStatus } from '../../client-lib/index.js';
import { isAlive, identityOfProcess } from '../../protocol/base/owner-identity.js';
import { flowFilePath, linkSocketPath } from '../../protocol/base/paths.js';
import { inspectFlowFile } from '../../protocol/flow/flow-file/open.js';
import { NumberedFlow } from './numbered-flow.js';
import { APP, FLOW, expectIntact, startWithFlow } from './system-with-flow.js';
import type { TestProcess } from '../kit/test-process.js';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';

describe('killed processes', function () {
  let system: RealSystem;
  let flow: NumberedFlow;
  let hostServer: TestProcess;

  beforeEach(async () => {
    ({ system, flow, hostServer } = await startWithFlow());
  });

  afterEach(async function () {
    await flow.kill();
    await system.stop(this.currentTest?.state === 'failed');
  });

  /** Resolves with the process id of the next app server. */
  async function killAppServer(): Promise<number> {
    const pid = await system.appServerPid(APP);
    process.kill(pid, 'SIGKILL');
    return eventually(async () => {
      const now = await system.appServerPid(APP);
      return now === pid || now === 0 ? undefined : now;
    }, 'another app server runs');
  }

  function statusesOf(client: Client): FlowStatus['status'][] {
    const statuses: FlowStatus['status'][] = [];
    client.on('status', ({ status }) => statuses.push(status));
    return statuses;
  }

  it('a killed consumer releases its credit at once, and other consumers lose nothing', async () => {
    const [one, other] = [flow.consumer('one'), flow.consumer('other')];
    flow.startProvider();
    for (const { program } of [one, other]) program.start();
    await flow.resumed();
    for (let kills = 0; kills < 3; kills += 1) {
      await one.killAndRestart();
      await flow.resumed([other]);
    }
    await flow.resumed();
    const stalled = system.program('test/fixtures/lossless-consumer.js', [
      linkSocketPath(system.directory, APP, FLOW),
    ]);
    await stalled.line();
    let before = -1;
    await eventually(async () => {
      const now = flow.published;
      const still = now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still;
    }, 'the ring is full');
    await stalled.kill();
    await flow.resumed();
    await expectIntact(flow);
  });

  it('a provider killed in mid-write leaves no torn buffer, its flow becomes stale, and the next one continues', async () => {
    const writer = system.program('test/fixtures/system/half-writer.js', [APP, 'halves']);
    await writer.line();
    const client = await system.client(APP);
    const input = await client.openInput('halves');
    const statuses = statusesOf(client);
    const { sequence } = (await input.take())!;
    expect(sequence).to.equal(0);
    await writer.kill();
    await eventually(() => statuses.includes('stale'), 'the client has the status stale');
    expect(input.takeNow()).to.equal(undefined);
    const out = await eventually(
      () => client.openOutput('halves', { bufferSize: 64, buffers: 4 }).catch(() => undefined),
      'another provider is accepted',
    );
    await out.write(Buffer.alloc(64, 3));
    const next = (await input.take())!;
    expect([next.sequence, ...new Set(next.data)]).to.deep.equal([1, 3]);
    await eventually(() => statuses.at(-1) === 'live', 'live');
    await client.close();

    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.resumed();
    for (let kills = 0; kills < 3; kills += 1) {
      await flow.restartProvider();
      await flow.resumed();
    }
    await expectIntact(flow);
  });

  it('a lossless flow keeps every published buffer when its duplicator is killed, and its clients reattach', async () => {
    flow.consumer('one').program.start();
    flow.consumer('two').program.start();
    flow.startProvider();
    await flow.resumed();
    const client = await system.client(APP);
    const input = await client.openInput(FLOW, { delivery: 'lossy', start: 'next' });
    const statuses = statusesOf(client);
    for (let kills = 1; kills <= 3; kills += 1) {
      const pid = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator runs');
      process.kill(pid, 'SIGKILL');
      await eventually(
        () => statuses.filter((status) => status === 'reattached').length === kills,
        'attached again',
      );
      await eventually(() => statuses.at(-1) === 'live', 'live');
      await flow.resumed();
    }
    expect(statuses.filter((_status, at) => at > 0 && at < 4)).to.deep.equal(['stale', 'reattached', 'live']);
    expect(statuses).not.to.include('ended');
    await input.close();
    expect(statuses.at(-1)).to.equal('ended');
    await client.close();
    await expectIntact(flow);
  });

  it('a duplicator that is killed nine times within 30 s stays failed, with the cause', async () => {
    flow.startProvider();
    const client = await system.client(APP);
    await eventually(async () => (await client.flows()).length > 0, 'the flow is listed');
    const input = await client.openInput(FLOW);
    const killed = new Set<number>();
    const failed = await eventually(async () => {
      const info = (await client.flows()).find(({ flow: name }) => name === FLOW);
      if (info?.state === 'running' && info.pid !== undefined && !killed.has(info.pid)) {
        killed.add(info.pid);
        process.kill(info.pid, 'SIGKILL');
      }
      return info?.state === 'failed' ? info : undefined;
    }, 'the flow has failed');
    expect(failed.cause).to.match(/ended 9 times within 30 s and is not started again/);
    expect(killed.size).to.equal(9);
    await input.close();
  });

  it('flows continue without a killed app server, and the next one adopts their duplicators', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.resumed();
    const client = await system.client(APP);
    const before = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator runs');
    for (let kills = 0; kills < 2; kills += 1) {
      await killAppServer();
      await flow.resumed();
    }
    const names = await eventually(async () => {
      const list = (await client.clients().catch(() => [])).map(({ name }) => name).toSorted();
      return list.length === 3 && list;
    }, 'all clients are listed again');
    expect(names).to.deep.equal([`consumer-${FLOW}`, `provider-${FLOW}`, 'test']);
    expect(await eventually(() => system.duplicatorPid(client, FLOW), 'it is adopted')).to.equal(before);
    const info = (await client.flows()).find(({ flow: name }) => name === FLOW);
    expect(info).to.include({ state: 'running', restarts: 0, clients: 2 });
    await client.close();
    await expectIntact(flow);
  });

  for (const stop of ['host.stop', 'SIGTERM of the host server'] as const) {
    it(`${stop} ends the duplicators of an application whose app server was killed`, async () => {
      flow.consumer('one').program.start();
      flow.startProvider();
      await flow.resumed();
      const client = await system.client(APP);
      const duplicator = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator runs');
      await client.close();
      const identity = identityOfProcess(duplicator)!;
      const appServer = await system.appServerPid(APP);
      await flow.kill();
      process.kill(appServer, 'SIGKILL');
      if (stop === 'host.stop') await system.host.stop(APP);
      else await hostServer.kill('SIGTERM');
      expect(isAlive(identity)).to.equal(false);
      expect(inspectFlowFile(flowFilePath(system.flowDirectory, APP, FLOW)).kind).to.equal('free');
      expect(existsSync(linkSocketPath(system.directory, APP, FLOW))).to.equal(false);
    });
  }

  it('flows continue without a killed host server, and the next one adopts the app server', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.resumed();
    const before = await system.appServerPid(APP);
    await hostServer.kill();
    await flow.resumed();
    hostServer = await system.startHost();
    expect(
      await eventually(async () => (await system.appServerPid(APP)) || undefined, 'it is adopted'),
    ).to.equal(before);
    await expectIntact(flow);
  });

  it('an app server whose host server does not return ends without a client', async () => {
    const system = new RealSystem();
    try {
      const hostServer = await system.startHost();
      await system.host.run({ name: 'e2', withoutHostMs: 400 });
      const pid = await system.appServerPid('e2');
      const client = await system.client('e2');
      await hostServer.kill();
      expect((await client.appInfo()).pid).to.equal(pid);
      await client.close();
      await eventually(() => !isAlive({ pid, startTicks: 0n }), 'the app server has ended');
      expect(system.logs()).to.contain('there was neither a host server nor a client');
      await system.startHost();
    } finally {
      await system.stop(false);
    }
  });

  it('an open flow runs at full rate while host server and app server are down', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.resumed();
    const appServer = await system.appServerPid(APP);
    await hostServer.kill();
    process.kill(appServer, 'SIGKILL');
    // Two thousand buffers overwrite the ring of 64 more than thirty times.
    const { sent, delivered } = { ...flow.ledger.totals };
    await eventually(() => flow.published > sent + 2000, 'two thousand more buffers are published');
    await eventually(
      () => flow.ledger.totals.delivered > delivered + 2000,
      'two thousand more buffers are delivered',
    );
    expect(await connectHost({ directory: system.directory }).catch(() => 'down')).to.equal('down');
    hostServer = await system.startHost();
    await eventually(async () => (await system.appServerPid(APP)) > 0, 'an app server runs again');
    await expectIntact(flow);
  });

  it('a system whose twenty-four processes were killed at one instant restarts, mirrors, and keeps nothing old', async () => {
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
      await Promise.all(flows.map((one) => one.resumed()));
      return flows;
    };
    let flows = await start();
    const viewers = await Promise.all(apps.map((name) => system.client(name)));
    const mirrors = await Promise.all(viewers.map((viewer) => viewer.mirror()));
    const old = [
      hostServer.pid,
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
    const victims = [...old, ...more.map(({ pid }) => pid)];
    expect(victims.length).to.be.at.least(24);
    const ends = [hostServer, ...more].map((child) => child.end());
    for (const one of flows) one.provider.expectEnd();
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    await Promise.all(ends);
    await Promise.all(flows.map((one) => one.kill()));

    hostServer = await system.startHost();
    flows = await start();
    // Surviving displays reattach and mirror their sources again.
    for (const mirror of mirrors) await eventually(() => mirror.isMirroring, 'the mirror is live');
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
});
