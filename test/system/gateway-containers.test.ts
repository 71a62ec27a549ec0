/**
 * A SpecTcl, or mirrorflow, that lives in network and IPC namespaces of its own, as in a container.
 * Needs root.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { connectHost, getSpecTclMemory, type SpecTclMemory } from '../../client-lib/index.js';
import { sysvLibrary } from '../../protocol/spectcl/sysv/library.js';
import { keyNumber } from '../../protocol/spectcl/sysv/memory-key.js';
import { FIXTURES, Viewer, gatewayOf } from './gateway-system.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

const DIST = fileURLToPath(new URL('../..', import.meta.url));
const CHANNEL_BYTES = 2 * 2 ** 20;
const name = `mf${process.pid}`;
const OUTSIDE = '10.213.77.1';
const INSIDE = '10.213.77.2';

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

describe('a container', function () {
  let system: RealSystem;
  let child: ChildProcess | undefined;
  let memory: SpecTclMemory | undefined;
  let viewer: Viewer | undefined;
  const scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));

  before(function () {
    try {
      ip('netns', 'add', name);
      ip('link', 'add', `${name}o`, 'type', 'veth', 'peer', 'name', `${name}i`, 'netns', name);
      ip('addr', 'add', `${OUTSIDE}/30`, 'dev', `${name}o`);
      ip('link', 'set', `${name}o`, 'up');
      ip('-n', name, 'addr', 'add', `${INSIDE}/30`, 'dev', `${name}i`);
      ip('-n', name, 'link', 'set', `${name}i`, 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
    } catch (error) {
      process.stderr.write(`    skipped: no namespaces here: ${String(error).split('\n', 1)[0]}\n`);
      this.skip();
    }
  });

  after(() => {
    spawnSync('ip', ['netns', 'del', name]);
    spawnSync('ip', ['link', 'del', `${name}o`]);
    rmSync(scratch, { recursive: true, force: true });
  });

  beforeEach(() => {
    system = new RealSystem();
  });

  afterEach(async function () {
    await memory?.unmap();
    await viewer?.end();
    await end(child);
    child = undefined;
    memory = undefined;
    viewer = undefined;
    await system.stop(this.currentTest?.state === 'failed');
  });

  /** Starts a program of ours in the container's namespaces. */
  function inside(path: string, args: readonly string[]): ChildProcess {
    const command = ['netns', 'exec', name, 'unshare', '--ipc', process.execPath, join(DIST, path), ...args];
    child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'ignore'], env: system.environment });
    return child;
  }

  it('with SpecTcl in it is mirrored by the host outside', async () => {
    await system.startHost();
    const simulator = inside('simulator/main.js', [
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
    const [line] = (await once(simulator.stdout!, 'data')) as [Buffer];
    const { restPort, mirrorPort } = JSON.parse(line.toString()) as { restPort: number; mirrorPort: number };
    memory = await getSpecTclMemory(INSIDE, restPort, mirrorPort, undefined, { directory: system.directory });
    expect(memory.kind).to.equal('mirror');
    const first = memory.spectra.get('tof').sum;
    await eventually(() => memory!.spectra.get('tof').sum > first, 'more counts');
  });

  it('with mirrorflow and viewers in it mirrors a SpecTcl outside, by file and by key', async function () {
    const simulator = await system.simulator({ rate: 50_000, host: OUTSIDE, channelBytes: CHANNEL_BYTES });
    inside('host-server/main.js', ['--listen', 'tcp://127.0.0.1:0']);
    const host = await eventually(() =>
      connectHost({ directory: system.directory }).catch(() => undefined), 'the host server answers',
    );
    const gateway = { restPort: 0, mirrorPort: 0, sharedMemory: true, sharedMemoryKey: 'Ct#1' };
    await host.run({ name: 'e1', source: simulator.address, gateway });
    await host.close();
    const client = await system.client('e1');
    const { pid, restPort } = await gatewayOf(client);
    expect((await client.getMemory()).length).to.equal(5_600_000 + CHANNEL_BYTES);
    // Its ports are its own: nobody outside reaches them on loopback.
    const outside = await fetch(`http://127.0.0.1:${restPort}/spectcl/version`).catch(() => 'refused');
    expect(outside).to.equal('refused');

    const library = sysvLibrary();
    if (library.kind === 'missing' || spawnSync('gcc', ['--version']).status !== 0) return;
    const program = join(scratch, 'viewer');
    execFileSync('gcc', ['-O1', '-o', program, `${FIXTURES}/viewer.c`]);
    const enter = ['-t', String(pid), '--ipc', program, 'Ct#1', String(CHANNEL_BYTES)];
    const started = await eventually(() => Viewer.start('nsenter', enter).catch(() => undefined), 'the key');
    ({ viewer } = started);
    await eventually(async () => Number((await viewer!.ask('tof')).split(' ')[1]) > 0, 'counts');
    expect(library.library.get(keyNumber('Ct#1'), 0, 0)).to.equal('ENOENT');
  });
});

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await exit;
  clearTimeout(timer);
}
