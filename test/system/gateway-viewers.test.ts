/**
 * Viewers that behave as CutiePie does, on this host and on two others (network namespaces; needs
 * root), while SpecTcl and each process of mirrorflow is interrupted.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { skip } from '../kit/skip.js';
import type { Client } from '../../client-lib/index.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import type { Simulator, SimulatorOptions } from '../../simulator/simulator.js';
import { Viewer, gatewayOf, rest } from './gateway-system.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';
import { TestProcess } from '../kit/test-process.js';

const PROGRAM = fileURLToPath(new URL('../fixtures/gateway/viewer-like-cutiepie.js', import.meta.url));
/** Another loopback address, so that the port manager's fixed port is free. */
const SPECTCL_HOST = '127.0.77.1';
const CHANNEL_BYTES = 2 * 2 ** 20;
const [REST_PORT, MIRROR_PORT] = [28_431, 28_432];
const HOSTS = ['a', 'b'].map((letter, index) => ({
  namespace: `mfv${process.pid}${letter}`,
  link: `mfv${process.pid % 100_000}${letter}`,
  outside: `10.213.${80 + index}.1`,
  address: `10.213.${80 + index}.2`,
}));

interface Report {
  readonly errors: string[];
  readonly updates: number;
  readonly failedRequests: number;
  readonly traced: number;
  readonly slowestMs: number;
  readonly names: string[];
  readonly variables: Record<string, string>;
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

/** A run that was killed has left its own, with the same addresses. */
function removeNamespacesOfDead(): void {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const [name, pid] of names.matchAll(/^mfv(\d+)[ab]\b/gm))
    if (!existsSync(`/proc/${pid}`)) ip('netns', 'del', name);
}

describe('viewers like CutiePie at a gateway', function () {
  let system: RealSystem;
  let simulator: Simulator;
  let client: Client;
  let portManager: Server;
  /** Ports that the port manager names. */
  let spectcl: { readonly restPort: number; readonly mirrorPort: number };
  const viewers: Viewer[] = [];
  const processes: TestProcess[] = [];
  const hosts: (typeof HOSTS)[number][] = [];

  before(() => {
    try {
      removeNamespacesOfDead();
      for (const host of HOSTS) {
        const { namespace, link, outside, address } = host;
        ip('netns', 'add', namespace);
        ip('link', 'add', `${link}o`, 'type', 'veth', 'peer', 'name', `${link}i`, 'netns', namespace);
        ip('addr', 'add', `${outside}/30`, 'dev', `${link}o`);
        ip('link', 'set', `${link}o`, 'up');
        ip('-n', namespace, 'addr', 'add', `${address}/30`, 'dev', `${link}i`);
        ip('-n', namespace, 'link', 'set', `${link}i`, 'up');
        hosts.push(host);
      }
    } catch (error) {
      process.stderr.write(
        `    only viewers of this host: no namespaces here: ${String(error).split('\n', 1)[0]}\n`,
      );
    }
  });

  after(() => {
    for (const { namespace, link } of HOSTS) {
      spawnSync('ip', ['netns', 'del', namespace]);
      spawnSync('ip', ['link', 'del', `${link}o`]);
    }
  });

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost();
    await startSpecTcl();
    portManager = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', () => {
        const { restPort, mirrorPort } = spectcl;
        const user = userInfo().username;
        socket.write(`OK 2\n${restPort} SpecTcl_REST ${user}\n${mirrorPort} SpecTcl_MIRROR ${user}\n`);
      });
    }).listen(30_000, SPECTCL_HOST);
    await once(portManager, 'listening');
    await system.host.run({
      name: 'e1',
      source: `spectcl://${SPECTCL_HOST}?rest=SpecTcl_REST&mirror=SpecTcl_MIRROR`,
      updateIntervalMs: 20,
      gateway: { host: '0.0.0.0', restPort: REST_PORT, mirrorPort: MIRROR_PORT },
    });
    client = await system.client('e1');
    await gatewayOf(client);
  });

  afterEach(async function () {
    await Promise.all(viewers.splice(0).map((viewer) => viewer.end()));
    await Promise.all(processes.splice(0).map((started) => started.kill()));
    await system.stop(this.currentTest?.state === 'failed');
    portManager.close();
  });

  async function startSpecTcl(options: SimulatorOptions = {}): Promise<void> {
    simulator = await system.simulator({
      rate: 20_000,
      host: SPECTCL_HOST,
      channelBytes: CHANNEL_BYTES,
      ...options,
    });
    spectcl = simulator;
  }

  /** SpecTcl as a process of its own, which can be killed. */
  async function startSpecTclProcess(ports: readonly string[] = []): Promise<TestProcess> {
    const started = new TestProcess('simulator/main.js', [
      '--json', '--end-with-stdin', '--no-delay', '--host', SPECTCL_HOST,
      '--rate', '20000', '--memory', String(CHANNEL_BYTES / 2 ** 20), ...ports,
    ]); // prettier-ignore
    processes.push(started);
    spectcl = JSON.parse(await started.line()) as typeof spectcl;
    return started;
  }

  async function waitUntilReported(what: string): Promise<void> {
    await eventually(
      async () =>
        (await reports()).every(
          ({ variables }) => variables['MirrorflowSource']?.startsWith('unreachable since') === true,
        ),
      `${what} is reported`,
    );
  }

  /** One viewer on this host, and one on each other host. */
  async function startViewers(): Promise<void> {
    const ports = [String(REST_PORT), String(MIRROR_PORT)];
    const start = async (command: string, args: readonly string[]): Promise<void> => {
      viewers.push((await Viewer.start(command, args)).viewer);
    };
    await start(process.execPath, [PROGRAM, '127.0.0.1', ...ports, 'XA01']);
    for (const { namespace, outside } of hosts) {
      await start('ip', ['netns', 'exec', namespace, process.execPath, PROGRAM, outside, ...ports, 'XA01']);
    }
  }

  function reports(): Promise<Report[]> {
    return Promise.all(viewers.map(async (viewer) => JSON.parse(await viewer.ask('')) as Report));
  }

  /** Waits until each viewer's memory has exactly the spectra of SpecTcl, and counts go on. */
  async function follow(what: string, names?: readonly string[]): Promise<Report[]> {
    const before = await reports();
    const isFollowed = (all: readonly Report[]): boolean =>
      all.every(
        ({ updates, names: seen, variables }, index) =>
          updates > (before[index]?.updates ?? 0) + 2 &&
          seen.join() === (names ?? expectedNames()).join() &&
          variables['MirrorflowSource'] === undefined,
      );
    return eventually(
      async () => {
        const all = await reports();
        expect(
          all.flatMap(({ errors }) => errors),
          what,
        ).to.deep.equal([]);
        return isFollowed(all) ? all : undefined;
      },
      `viewers follow after ${what}: ${JSON.stringify(before)}`,
    );
  }

  function expectedNames(): string[] {
    return [...expectedBySlot().entries()].toSorted(([one], [other]) => one - other).map(([, name]) => name);
  }

  function expectedBySlot(): Map<number, string> {
    const memory = Buffer.from(simulator.memory);
    const names = new Map<number, string>();
    for (let slot = 0; slot < 10_000; slot += 1) {
      if (memory.readInt32LE(2_680_000 + 4 * slot) === 0) continue;
      const title = memory.subarray(80_000 + 128 * slot, 80_000 + 128 * (slot + 1));
      names.set(slot, title.subarray(0, title.indexOf(0)).toString());
    }
    return names;
  }

  it('no viewer sees an error through rebinding, silence, and restarts of SpecTcl on the same and on other ports', async () => {
    await startViewers();
    await follow('the start');

    const axes = [{ parameter: 'p', low: 0, high: 10, bins: 10, unit: '' }];
    for (let round = 0; round < 5; round += 1) {
      simulator.define({ name: `new${round}`, type: 4, axes });
      await new Promise((resolve) => setTimeout(resolve, 60));
      if (round % 2 === 0) simulator.undefine(`new${round}`);
      await follow(`rebinding ${round}`);
    }
    const traced = (await reports()).map(({ traced: count }) => count);
    for (const count of traced) expect(count).to.be.greaterThan(0);

    simulator.misbehave({ rest: 'silent' });
    await waitUntilReported('the silence');
    simulator.misbehave({ rest: 'none' });
    await follow('the silence');

    const { restPort, mirrorPort } = simulator;
    for (const ports of [{ restPort, mirrorPort }, {}]) {
      await simulator.close();
      await waitUntilReported('the end of SpecTcl');
      await startSpecTcl(ports);
      await follow('a restart of SpecTcl');
      expect(simulator.lostThreads, 'threads that SpecTcl has lost').to.equal(0);
    }
    // A viewer judges its last traces after three seconds.
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    await follow('the last trace');
    for (const { failedRequests, slowestMs } of await reports()) {
      expect(failedRequests).to.equal(0);
      expect(slowestMs).to.be.below(10_000);
    }
    expect(simulator.lostThreads, 'threads that SpecTcl has lost').to.equal(0);
  });

  it('no viewer sees an error when SpecTcl is killed and started again on the same and on other ports', async () => {
    const names = expectedNames();
    await simulator.close();
    let killed = await startSpecTclProcess();
    await startViewers();
    await follow('the start', names);
    const { restPort, mirrorPort } = spectcl;
    const samePorts = ['--rest-port', String(restPort), '--mirror-port', String(mirrorPort)];
    for (const ports of [samePorts, []]) {
      await killed.kill();
      await waitUntilReported('the kill of SpecTcl');
      killed = await startSpecTclProcess(ports);
      await follow('the restart of a killed SpecTcl', names);
    }
    for (const { failedRequests } of await reports()) expect(failedRequests).to.equal(0);
    const { SimulatorLostThreads } = await new SpecTclRest({
      host: SPECTCL_HOST,
      port: spectcl.restPort,
    }).variables();
    expect(SimulatorLostThreads).to.equal('0');
  });

  it('no viewer sees an error when a Rustogramer follows a SpecTcl and a SpecTcl a Rustogramer', async () => {
    await startViewers();
    await follow('the start');
    const { restPort, mirrorPort } = simulator;
    for (const flavour of ['rustogramer', 'spectcl'] as const) {
      await simulator.close();
      await waitUntilReported('the end of the source');
      await startSpecTcl({ flavour, restPort, mirrorPort });
      await follow(`the start of a ${flavour}`);
      const { detail } = await rest(REST_PORT, 'version');
      const program = (detail as { program_name?: string }).program_name;
      expect(program).to.equal(flavour === 'rustogramer' ? 'Rustogramer' : undefined);
    }
    expect(simulator.lostThreads, 'threads that SpecTcl has lost').to.equal(0);
  });

  it('no viewer sees an error when SpecTcl returns with a larger memory and uses it', async () => {
    await startViewers();
    await follow('the start');
    const { restPort, mirrorPort } = simulator;
    await simulator.close();
    await waitUntilReported('the end of SpecTcl');
    const channelBytes = 4 * CHANNEL_BYTES;
    await startSpecTcl({ restPort, mirrorPort, channelBytes });
    const axis = { parameter: 'p', low: 0, high: 1_000, bins: 1_000, unit: '' };
    simulator.define({ name: 'large', type: 5, axes: [axis, axis] });
    await follow('the growth of the memory');
    expect((await rest(REST_PORT, 'shmem/size')).detail).to.equal(String(channelBytes));
    for (const { failedRequests } of await reports()) expect(failedRequests).to.equal(0);
  });

  it('no viewer sees an error while the mirror service is silent, and SpecTcl loses no thread', async () => {
    await startViewers();
    await follow('the start');
    simulator.misbehave({ mirror: 'hang' });
    const { updatesServed } = simulator.counters;
    const whileHanging = await reports();
    await eventually(
      async () =>
        (await reports()).every(({ updates }, index) => updates > (whileHanging[index]?.updates ?? 0) + 5),
      'viewers get updates with the last data',
    );
    // A reply that was on its way, and no more.
    expect(simulator.counters.updatesServed).to.be.at.most(updatesServed + 1);
    simulator.misbehave({ mirror: 'none' });
    await follow('the silence of the mirror service');
    expect(simulator.lostThreads, 'threads that SpecTcl has lost').to.equal(0);
  });

  it('no viewer sees an error through kills of duplicator, app server and gateway', async () => {
    await startViewers();
    await follow('the start');
    process.kill(await eventually(() => system.duplicatorPid(client), 'a duplicator'), 'SIGKILL');
    await follow('the kill of the duplicator');
    process.kill((await client.appInfo()).pid, 'SIGKILL');
    await follow('the kill of the app server');
    for (const { failedRequests } of await reports()) expect(failedRequests).to.equal(0);
    // Without a gateway connections are refused until its successor listens.
    const { pid } = await gatewayOf(client);
    process.kill(pid, 'SIGKILL');
    await gatewayOf(client, pid);
    await follow('the kill of the gateway');
    const failedRequests = (await reports()).map((report) => report.failedRequests);
    await follow('the restart of the gateway');
    expect((await reports()).map((report) => report.failedRequests)).to.deep.equal(failedRequests);
  });

  it('a viewer host that vanishes leaves the directory within 10 s', async function () {
    const [host] = hosts;
    if (host === undefined) skip(this, 'network namespaces cannot be made here; they need root and iproute2');
    await startViewers();
    await follow('the start');
    const listed = async (): Promise<boolean> => {
      const { detail } = await rest(REST_PORT, `mirror?pattern=${host.address}`);
      return (detail as unknown[]).length > 0;
    };
    expect(await listed()).to.equal(true);
    ip('-n', host.namespace, 'link', 'set', `${host.link}i`, 'down');
    const startMs = performance.now();
    await eventually(async () => !(await listed()), 'the entry ends');
    // Ten seconds, and the slowness of a busy machine.
    expect(performance.now() - startMs).to.be.below(12_000);
  });
});
