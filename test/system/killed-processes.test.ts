import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { expect } from 'chai';
import { connectHost, type Client, type FlowStatus } from '../../client-lib/index.js';
import { linkSocketPath } from '../../protocol/base/paths.js';
import { inspectFlowFile } from '../../protocol/flow/flow-file/open.js';
import { NumberedFlow } from './numbered-flow.js';
import { APP, FLOW, appServerPid, expectIntact, startWithFlow } from './system-with-flow.js';
import { killHard } from './whole-system.js';
import { eventually } from '../kit/eventually.js';
import type { RealSystem } from '../kit/real-system.js';

describe('what is promised when processes are killed', function () {
  let system: RealSystem;
  let flow: NumberedFlow;
  let hostServer: ChildProcess;

  beforeEach(async () => {
    ({ system, flow, hostServer } = await startWithFlow());
  });

  afterEach(async function () {
    await flow.kill();
    await system.stop(this.currentTest?.state === 'failed');
  });

  /** Kills the app server; resolves with the process id of the next one. */
  async function killAppServer(): Promise<number> {
    const pid = await appServerPid(system);
    process.kill(pid, 'SIGKILL');
    return eventually(async () => {
      const now = await appServerPid(system);
      return now === pid || now === 0 ? undefined : now;
    }, 'another app server');
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
    await eventually(async () => {
      const now = flow.published;
      const still = now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still;
    }, 'the ring is full');
    await killHard(hog);
    await flow.goesOn();
    await expectIntact(flow);
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
    await eventually(() => statuses.includes('stale'), 'consumers learn it');
    expect(input.takeNow()).to.equal(undefined);
    const out = await eventually(() =>
      client.openOutput('halves', { bufferSize: 64, buffers: 4 }).catch(() => undefined), 'the seat is free',
    );
    await out.write(Buffer.alloc(64, 3));
    const next = (await input.take())!;
    expect([next.sequence, ...new Set(next.data)]).to.deep.equal([1, 3]);
    await eventually(() => statuses.at(-1) === 'live', 'live');
    await client.close();

    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    for (let kills = 0; kills < 3; kills += 1) {
      await flow.restartProvider();
      await flow.goesOn();
    }
    await expectIntact(flow);
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
      const pid = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator');
      process.kill(pid, 'SIGKILL');
      await eventually(
        () => statuses.filter((status) => status === 'reattached').length === kills,
        'attached again',
      );
      await eventually(() => statuses.at(-1) === 'live', 'live');
      await flow.goesOn();
    }
    expect(statuses.filter((_status, at) => at > 0 && at < 4)).to.deep.equal(['stale', 'reattached', 'live']);
    expect(statuses).not.to.include('ended');
    await input.close();
    expect(statuses.at(-1)).to.equal('ended');
    await client.close();
    await expectIntact(flow);
  });

  it('a duplicator that dies at once again and again is given up, with a clear state', async () => {
    flow.startProvider();
    const client = await system.client(APP);
    await eventually(async () => (await client.flows()).length > 0, 'the flow');
    const input = await client.openInput(FLOW);
    const killed = new Set<number>();
    const failed = await eventually(async () => {
      const info = (await client.flows()).find((found) => found.flow === FLOW);
      if (info?.state === 'running' && info.pid !== undefined && !killed.has(info.pid)) {
        killed.add(info.pid);
        process.kill(info.pid, 'SIGKILL');
      }
      return info?.state === 'failed' ? info : undefined;
    }, 'given up');
    expect(failed.cause).to.match(/ended 9 times within 30 s and is given up/);
    expect(killed.size).to.equal(9);
    await input.close();
  });

  it('an app server that is killed costs nothing: flows go on, and the next one adopts them', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    const client = await system.client(APP);
    const before = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator');
    for (let kills = 0; kills < 2; kills += 1) {
      await killAppServer();
      await flow.goesOn();
    }
    const names = await eventually(async () => {
      const found = (await client.clients().catch(() => [])).map(({ name }) => name).toSorted();
      return found.length === 3 && found;
    }, 'all clients are known again');
    expect(names).to.deep.equal([`consumer-${FLOW}`, `provider-${FLOW}`, 'test']);
    expect(await eventually(() => system.duplicatorPid(client, FLOW), 'adopted')).to.equal(before);
    const info = (await client.flows()).find((found) => found.flow === FLOW);
    expect(info).to.include({ state: 'running', restarts: 0, clients: 2 });
    await client.close();
    await expectIntact(flow);
  });

  it('a host server that is killed costs nothing: the next one sees all again', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    const before = await appServerPid(system);
    await killHard(hostServer);
    await flow.goesOn();
    hostServer = await system.startHost();
    expect(await eventually(async () => (await appServerPid(system)) || undefined, 'adopted')).to.equal(
      before,
    );
    await expectIntact(flow);
  });

  it('with host server and app server killed and kept down, an open flow runs at full rate', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    const appServer = await appServerPid(system);
    await killHard(hostServer);
    process.kill(appServer, 'SIGKILL');
    // The provider writes four buffers every five milliseconds, so many that the ring has gone
    // round more than thirty times.
    const { sent, delivered } = { ...flow.ledger.totals };
    await eventually(() => flow.published > sent + 2000, 'two thousand more');
    await eventually(() => flow.ledger.totals.delivered > delivered + 2000, 'all of them delivered');
    expect(await connectHost({ directory: system.directory }).catch(() => 'down')).to.equal('down');
    hostServer = await system.startHost();
    await eventually(async () => (await appServerPid(system)) > 0, 'served again');
    await expectIntact(flow);
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
