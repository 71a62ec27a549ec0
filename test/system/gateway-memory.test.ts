/** The System V shared memory of a gateway, attached by programs as SpecTcl's viewers do. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SpectraView, type Client } from '../../client-lib/index.js';
import type { Simulator } from '../../simulator/simulator.js';
import type { GatewayOptions } from '../../protocol/rpc/contract/shapes.js';
import { sysvLibrary } from '../../protocol/spectcl/sysv/library.js';
import { keyNumber } from '../../protocol/spectcl/sysv/memory-key.js';
import { attachSegment, removeSegment } from '../../protocol/spectcl/sysv/segment.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { MirrorTestClient } from '../simulator/mirror-test-client.js';
import { skip } from '../kit/skip.js';
import { FIXTURES, Viewer, gatewayOf, rest, type GatewayPorts } from './gateway-system.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

const library = sysvLibrary();
/** The user of the name nobody, who has no rights anywhere. */
const NOBODY = 65_534;
const NO_COMPILER = 'there is no C compiler (gcc) for the viewer';
const CHANNEL_BYTES = 2 * 2 ** 20;

/** Whether a segment with this key exists. */
function exists(key: string): boolean {
  return library.kind === 'available' && typeof library.library.get(keyNumber(key), 0, 0) === 'number';
}

describe('the shared memory of a gateway', function () {
  let system: RealSystem;
  let simulator: Simulator;
  let client: Client;
  let ports: GatewayPorts;
  let viewer: Viewer | undefined;
  let program: string | undefined;
  let scratch: string;

  before(function () {
    scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    if (library.kind === 'missing') skip(this, library.reason);
    if (spawnSync('gcc', ['--version']).status === 0) {
      program = join(scratch, 'viewer');
      execFileSync('gcc', ['-O1', '-o', program, `${FIXTURES}/viewer.c`]);
    }
  });

  after(() => rmSync(scratch, { recursive: true, force: true }));

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost();
  });

  afterEach(async function () {
    await viewer?.end();
    viewer = undefined;
    await system.stop(this.currentTest?.state === 'failed');
  });

  async function start(options: Partial<GatewayOptions> = {}): Promise<string> {
    simulator = await system.simulator({ rate: 0, channelBytes: CHANNEL_BYTES });
    simulator.step(1_000);
    const gateway = { restPort: 0, mirrorPort: 0, sharedMemory: true, ...options };
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20, gateway });
    client = await system.client('e1');
    ports = await gatewayOf(client);
    return memoryKey();
  }

  function memoryKey(): Promise<string> {
    return eventually(async () => {
      const { detail } = await rest(ports.restPort, 'shmem/key');
      return typeof detail === 'string' && detail.length === 4 ? detail : undefined;
    }, 'REST reports the key of the memory');
  }

  const sourceSum = (name: string): number => new SpectraView(simulator.memory).get(name).sum;

  it('an unmodified C viewer attaches the memory by the key of REST and sees every update', async function () {
    if (program === undefined) skip(this, NO_COMPILER);
    const key = await start();
    expect(key).to.match(/^XA[0-9a-f]{2}$/);
    const started = await Viewer.start(program, [key, String(CHANNEL_BYTES)]);
    ({ viewer } = started);
    expect(started.first).to.equal('attached 5600000');
    for (let round = 0; round < 5; round += 1) {
      await eventually(async () => {
        const [, sum] = (await viewer!.ask('tof')).split(' ');
        return Number(sum) === sourceSum('tof');
      }, 'the memory has the sum of the source');
      simulator.step(500);
    }
    simulator.rename('tof', 'tof.renamed');
    await eventually(
      async () => !(await viewer!.ask('tof.renamed')).startsWith('-1'),
      'the memory has the new name',
    );
    expect(await viewer.ask('tof')).to.equal('-1 0');
  });

  it('shared memory, file and TCP hold the same bytes as the source whenever it is at rest', async () => {
    const key = await start();
    const segment = attachSegment(key, 5_600_000 + CHANNEL_BYTES, 'read');
    const peer = await MirrorTestClient.connect(ports.mirrorPort);
    const image = (await client.flows())[0]?.image ?? '';
    try {
      for (let round = 0; round < 5; round += 1) {
        simulator.step(100);
        if (round === 2) simulator.undefine('tof');
        const expected = Buffer.from((await fullUpdate()).body);
        await eventually(async () => {
          const tcp = (await peer.update()).body;
          const channels = tcp.byteLength < 5_600_000 ? tcp : tcp.subarray(5_600_000);
          const file = readFileSync(image);
          const whole = expected.subarray(0, 5_440_000);
          return (
            Buffer.compare(channels, expected.subarray(5_600_000)) === 0 &&
            Buffer.compare(file.subarray(0, 5_440_000), whole) === 0 &&
            Buffer.compare(file, segment.memory) === 0
          );
        }, 'shared memory, file and TCP equal the source');
      }
    } finally {
      segment.detach();
      peer.close();
    }
  });

  async function fullUpdate(): Promise<{ readonly body: Uint8Array }> {
    const peer = await MirrorTestClient.connect(simulator.mirrorPort);
    const update = await peer.update();
    peer.close();
    return update;
  }

  it('the memory never shows a spectrum slot under a wrong name while bindings change', async () => {
    const key = await start();
    const segment = attachSegment(key, 5_600_000, 'read');
    try {
      let name = 'tof';
      for (let round = 0; round < 8; round += 1) {
        const next = `tof.${round}`;
        simulator.rename(name, next);
        name = next;
        await eventually(() => {
          const spectra = new SpectraView(segment.memory).list();
          for (const { binding } of spectra) expect(binding.xchans).to.be.greaterThan(0);
          return spectra.some((spectrum) => spectrum.name === next);
        }, 'the memory has the new name');
      }
    } finally {
      segment.detach();
    }
  });

  it('the memory has the configured key and permissions and is removed with its application', async () => {
    const key = await start({ sharedMemoryKey: 'Mf#1', sharedMemoryMode: '0644' });
    expect(key).to.equal('Mf#1');
    expect((await rest(ports.restPort, 'mirror')).detail).to.deep.include({ host: 'localhost', shmkey: key });
    const segment = attachSegment(key, 5_600_000, 'read');
    if (library.kind === 'available') expect(library.library.status(segment.id)).to.include({ mode: 0o644 });
    await system.host.stop('e1');
    expect(exists(key)).to.equal(false);
    segment.detach();
  });

  it('other users can attach the memory read/write only when its mode was configured so', async function () {
    if (program === undefined) skip(this, NO_COMPILER);
    if (process.geteuid?.() !== 0) skip(this, 'running a viewer as another user needs root');
    const asNobody = (key: string): string =>
      spawnSync(program!, [key, String(CHANNEL_BYTES)], {
        uid: NOBODY,
        gid: NOBODY,
        input: 'tof\n',
      }).stdout.toString();
    // That user must be able to reach the program.
    chmodSync(scratch, 0o755);
    const key = await start();
    expect(asNobody(key)).to.equal('');
    await system.host.stop('e1');
    const gateway = { restPort: 0, mirrorPort: 0, sharedMemory: true, sharedMemoryMode: '0666' };
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20, gateway });
    ports = await gatewayOf(await system.client('e1'));
    const [first, seen] = asNobody(await memoryKey()).split('\n');
    expect(first).to.equal('attached 5600000');
    expect(Number(seen?.split(' ')[1])).to.equal(sourceSum('tof'));
  });

  it('the memory of a killed gateway is taken over, so that attached viewers see new updates', async () => {
    const key = await start();
    const segment = attachSegment(key, 5_600_000, 'read');
    process.kill(ports.pid, 'SIGKILL');
    simulator.step(321);
    await eventually(
      () => new SpectraView(segment.memory).get('tof').sum === sourceSum('tof'),
      'the memory has the sum of the source',
    );
    ports = await gatewayOf(client, ports.pid);
    expect(await memoryKey()).to.equal(key);
    segment.detach();
  });

  /** Kills host server, app server, gateway and duplicator at once. */
  async function killAll(): Promise<void> {
    const { pid } = await client.appInfo();
    const duplicator = await system.duplicatorPid(client);
    const host = await system.host.info();
    for (const victim of [host.pid, pid, ports.pid, duplicator]) {
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
    }
    await eventually(
      () => [host.pid, pid, ports.pid].every((victim) => !isAlive({ pid: victim, startTicks: 0n })),
      'the killed processes have ended',
    );
  }

  describe('of a system that was killed as a whole', () => {
    const FOREIGN = 'Fr#1';

    beforeEach(() => {
      if (library.kind === 'available') library.library.get(keyNumber(FOREIGN), 4_096, 0o1600);
    });

    afterEach(() => {
      if (exists(FOREIGN)) removeSegment(FOREIGN, process.pid);
    });

    it('the memory of a killed system is used again by the restarted application and removed with it', async () => {
      const key = await start();
      await killAll();
      expect(exists(key)).to.equal(true);
      await system.startHost();
      ports = await gatewayOf(await system.client('e1', 'next'));
      expect(await memoryKey()).to.equal(key);
      await system.host.stop('e1');
      expect([exists(key), exists(FOREIGN)]).to.deep.equal([false, true]);
    });

    it('the memory of a killed system is removed at the next start when its application has no record', async () => {
      const key = await start();
      await killAll();
      rmSync(join(system.directory, 'apps', 'e1.json'));
      await system.startHost();
      const gateway = { restPort: 0, mirrorPort: 0 };
      const another = await system.simulator({ rate: 0 });
      await system.host.run({ name: 'e2', source: another.address, gateway });
      await gatewayOf(await system.client('e2'));
      expect([exists(key), exists(FOREIGN)]).to.deep.equal([false, true]);
    });
  });
});
