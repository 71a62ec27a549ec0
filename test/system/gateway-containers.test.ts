/**
 * SpecTcl or mirrorflow in network and IPC namespaces of its own, as in a container. Needs root;
 * creates a network namespace and a pair of virtual network devices.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectHost, getSpecTclMemory, type SpecTclMemory } from '../../client-lib/index.js';
import { sysvLibrary } from '../../protocol/spectcl/sysv/library.js';
import { keyNumber } from '../../protocol/spectcl/sysv/memory-key.js';
import { TestProcess } from '../kit/test-process.js';
import { skip } from '../kit/skip.js';
import { FIXTURES, Viewer, gatewayOf } from './gateway-system.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

const CHANNEL_BYTES = 2 * 2 ** 20;
const NAMESPACE = `mf${process.pid}`;
/** Addresses of this machine and of the container on the link between the two. */
const MACHINE_ADDRESS = '10.213.77.1';
const CONTAINER_ADDRESS = '10.213.77.2';

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

describe('a container', function () {
  let system: RealSystem;
  let child: TestProcess | undefined;
  let memory: SpecTclMemory | undefined;
  let viewer: Viewer | undefined;
  let scratch: string;

  before(function () {
    scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    try {
      ip('netns', 'add', NAMESPACE);
      ip('link', 'add', `${NAMESPACE}o`, 'type', 'veth', 'peer', 'name', `${NAMESPACE}i`, 'netns', NAMESPACE);
      ip('addr', 'add', `${MACHINE_ADDRESS}/30`, 'dev', `${NAMESPACE}o`);
      ip('link', 'set', `${NAMESPACE}o`, 'up');
      ip('-n', NAMESPACE, 'addr', 'add', `${CONTAINER_ADDRESS}/30`, 'dev', `${NAMESPACE}i`);
      ip('-n', NAMESPACE, 'link', 'set', `${NAMESPACE}i`, 'up');
      ip('-n', NAMESPACE, 'link', 'set', 'lo', 'up');
    } catch (error) {
      skip(this, `network namespaces cannot be created: ${String(error).split('\n', 1)[0]}; run as root`);
    }
  });

  after(() => {
    spawnSync('ip', ['netns', 'del', NAMESPACE]);
    spawnSync('ip', ['link', 'del', `${NAMESPACE}o`]);
    rmSync(scratch, { recursive: true, force: true });
  });

  beforeEach(() => {
    system = new RealSystem();
  });

  afterEach(async function () {
    await memory?.unmap();
    await viewer?.end();
    await child?.stop();
    child = undefined;
    memory = undefined;
    viewer = undefined;
    await system.stop(this.currentTest?.state === 'failed');
  });

  /** Starts a compiled program in the container's namespaces. */
  function startInContainer(module: string, args: readonly string[]): TestProcess {
    child = new TestProcess(module, args, system.environment, (program, all) => [
      'ip',
      ['netns', 'exec', NAMESPACE, 'unshare', '--ipc', program, ...all],
    ]);
    return child;
  }

  it('a SpecTcl in a container is mirrored by the machine outside', async () => {
    await system.startHost();
    const simulator = startInContainer('simulator/main.js', [
      '--json',
      '--host',
      '0.0.0.0',
      '--rate',
      '50000',
      '--memory',
      '2',
      '--no-delay',
      '--no-checksum',
    ]);
    const { restPort, mirrorPort } = JSON.parse(await simulator.line()) as {
      restPort: number;
      mirrorPort: number;
    };
    memory = await getSpecTclMemory(CONTAINER_ADDRESS, restPort, mirrorPort, undefined, {
      directory: system.directory,
    });
    expect(memory.kind).to.equal('mirror');
    const first = memory.spectra.get('tof').sum;
    await eventually(() => memory!.spectra.get('tof').sum > first, 'the mirror has more counts');
  });

  it('mirrorflow in a container mirrors a SpecTcl outside for viewers in the container, by file and by key', async function () {
    const simulator = await system.simulator({
      rate: 50_000,
      host: MACHINE_ADDRESS,
      channelBytes: CHANNEL_BYTES,
    });
    startInContainer('host-server/main.js', ['--listen', 'tcp://127.0.0.1:0']);
    const host = await eventually(
      () => connectHost({ directory: system.directory }).catch(() => undefined),
      'the host server answers',
    );
    const gateway = { restPort: 0, mirrorPort: 0, sharedMemory: true, sharedMemoryKey: 'Ct#1' };
    await host.run({ name: 'e1', source: simulator.address, gateway });
    await host.close();
    const client = await system.client('e1');
    const { pid, restPort } = await gatewayOf(client);
    expect((await client.getMemory()).length).to.equal(5_600_000 + CHANNEL_BYTES);
    // The container has its own loopback: its ports cannot be reached from outside.
    const outside = await fetch(`http://127.0.0.1:${restPort}/spectcl/version`).catch(() => 'refused');
    expect(outside).to.equal('refused');

    const library = sysvLibrary();
    if (library.kind === 'missing' || spawnSync('gcc', ['--version']).status !== 0) return;
    const program = join(scratch, 'viewer');
    execFileSync('gcc', ['-O1', '-o', program, `${FIXTURES}/viewer.c`]);
    const enter = ['-t', String(pid), '--ipc', program, 'Ct#1', String(CHANNEL_BYTES)];
    const started = await eventually(
      () => Viewer.start('nsenter', enter).catch(() => undefined),
      'the memory can be attached by its key',
    );
    ({ viewer } = started);
    await eventually(
      async () => Number((await viewer!.ask('tof')).split(' ')[1]) > 0,
      'the viewer reads counts',
    );
    expect(library.library.get(keyNumber('Ct#1'), 0, 0)).to.equal('ENOENT');
  });
});
