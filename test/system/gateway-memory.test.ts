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
import { MirrorPeer } from '../simulator/mirror-peer.js';
import { FIXTURES, Viewer, gatewayOf, rest, type GatewayPorts } from './gateway-system.js';
import { WholeSystem, eventually } from './whole-system.js';

const library = sysvLibrary();
/** The user of the name nobody, who has no rights anywhere. */
const NOBODY = 65_534;
const CHANNEL_BYTES = 2 * 2 ** 20;

/** Whether anybody can still attach by that key. */
function exists(key: string): boolean {
  return library.kind === 'available' && typeof library.library.get(keyNumber(key), 0, 0) === 'number';
}

describe('the shared memory of a gateway', function () {
  let system: WholeSystem;
  let simulator: Simulator;
  let client: Client;
  let ports: GatewayPorts;
  let viewer: Viewer | undefined;
  let program: string | undefined;
  const scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));

  before(function () {
    if (library.kind === 'missing') {
      process.stderr.write(`    skipped: ${library.reason}\n`);
      this.skip();
    }
    if (spawnSync('gcc', ['--version']).status === 0) {
      program = join(scratch, 'viewer');
      execFileSync('gcc', ['-O1', '-o', program, `${FIXTURES}/viewer.c`]);
    }
  });

  after(() => rmSync(scratch, { recursive: true, force: true }));

  beforeEach(async () => {
    system = new WholeSystem();
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
    return eventually('the memory has a key', async () => {
      const { detail } = await rest(ports.restPort, 'shmem/key');
      return typeof detail === 'string' && detail.length === 4 ? detail : undefined;
    });
  }

  const sourceSum = (name: string): number => new SpectraView(simulator.memory).get(name).sum;

  it('is attached by an unmodified C program with the key of REST, and stays current', async function () {
    if (program === undefined) {
      process.stderr.write('    skipped: there is no gcc\n');
      this.skip();
    }
    const key = await start();
    expect(key).to.match(/^XA[0-9a-f]{2}$/);
    const started = await Viewer.start(program, [key, String(CHANNEL_BYTES)]);
    ({ viewer } = started);
    expect(started.first).to.equal('attached 5600000');
    for (let round = 0; round < 5; round += 1) {
      await eventually('the sum of the source', async () => {
        const [, sum] = (await viewer!.ask('tof')).split(' ');
        return Number(sum) === sourceSum('tof');
      });
      simulator.step(500);
    }
    simulator.rename('tof', 'tof.renamed');
    await eventually('the new name', async () => !(await viewer!.ask('tof.renamed')).startsWith('-1'));
    expect(await viewer.ask('tof')).to.equal('-1 0');
  });

  it('agrees with the file and with TCP at every quiescent point', async () => {
    const key = await start();
    const segment = attachSegment(key, 5_600_000 + CHANNEL_BYTES, 'read');
    const peer = await MirrorPeer.connect(ports.mirrorPort);
    const image = (await client.flows())[0]?.image ?? '';
    try {
      for (let round = 0; round < 5; round += 1) {
        simulator.step(100);
        if (round === 2) simulator.undefine('tof');
        const expected = Buffer.from((await freshFull()).body);
        await eventually('all three are what the source is', async () => {
          const tcp = (await peer.update()).body;
          const channels = tcp.byteLength < 5_600_000 ? tcp : tcp.subarray(5_600_000);
          const file = readFileSync(image);
          const whole = expected.subarray(0, 5_440_000);
          return (
            Buffer.compare(channels, expected.subarray(5_600_000)) === 0 &&
            Buffer.compare(file.subarray(0, 5_440_000), whole) === 0 &&
            Buffer.compare(file, segment.memory) === 0
          );
        });
      }
    } finally {
      segment.detach();
      peer.close();
    }
  });

  async function freshFull(): Promise<{ readonly body: Uint8Array }> {
    const peer = await MirrorPeer.connect(simulator.mirrorPort);
    const update = await peer.update();
    peer.close();
    return update;
  }

  it('never shows a slot under a wrong name while bindings change', async () => {
    const key = await start();
    const segment = attachSegment(key, 5_600_000, 'read');
    try {
      let name = 'tof';
      for (let round = 0; round < 8; round += 1) {
        const next = `tof.${round}`;
        simulator.rename(name, next);
        name = next;
        await eventually('the new name', () => {
          const spectra = new SpectraView(segment.memory).list();
          for (const { binding } of spectra) expect(binding.xchans).to.be.greaterThan(0);
          return spectra.some((spectrum) => spectrum.name === next);
        });
      }
    } finally {
      segment.detach();
    }
  });

  it('has the stated key and permissions, and is gone with its application', async () => {
    const key = await start({ sharedMemoryKey: 'Mf#1', sharedMemoryMode: '0644' });
    expect(key).to.equal('Mf#1');
    expect((await rest(ports.restPort, 'mirror')).detail).to.deep.include({ host: 'localhost', shmkey: key });
    const segment = attachSegment(key, 5_600_000, 'read');
    if (library.kind === 'available') expect(library.library.status(segment.id)).to.include({ mode: 0o644 });
    await system.host.stop('e1');
    expect(exists(key)).to.equal(false);
    segment.detach();
  });

  it("is other users' to attach read/write, as SpecTcl's viewers do, only where that was configured", async function () {
    if (program === undefined || process.geteuid?.() !== 0) {
      process.stderr.write('    skipped: needs root and gcc\n');
      this.skip();
    }
    const asNobody = (key: string): string =>
      spawnSync(program!, [key, String(CHANNEL_BYTES)], {
        uid: NOBODY,
        gid: NOBODY,
        input: 'tof\n',
      }).stdout.toString();
    // Where the program stands must be reachable for that user.
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

  it('is taken over after kill -9, so that those who are attached go on', async () => {
    const key = await start();
    const segment = attachSegment(key, 5_600_000, 'read');
    process.kill(ports.pid, 'SIGKILL');
    simulator.step(321);
    await eventually(
      'the sum of the source',
      () => new SpectraView(segment.memory).get('tof').sum === sourceSum('tof'),
    );
    ports = await gatewayOf(client, ports.pid);
    expect(await memoryKey()).to.equal(key);
    segment.detach();
  });

  /** Kills everything of the application at once, the host server too. */
  async function killAll(): Promise<void> {
    const { pid } = await client.appInfo();
    const duplicator = await system.duplicatorPid(client);
    const host = await system.host.info();
    for (const victim of [host.pid, pid, ports.pid, duplicator]) {
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
    }
    await eventually('all are dead', () =>
      [host.pid, pid, ports.pid].every((victim) => !isAlive({ pid: victim, startTicks: 0n })),
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

    it('is its again when its application comes back, and goes with it', async () => {
      const key = await start();
      await killAll();
      expect(exists(key)).to.equal(true);
      await system.startHost();
      const again = await system.client('e1', 'again');
      ports = await gatewayOf(again);
      expect(await memoryKey()).to.equal(key);
      await system.host.stop('e1');
      expect([exists(key), exists(FOREIGN)]).to.deep.equal([false, true]);
    });

    it('is removed at the next start when its application is not known any more', async () => {
      const key = await start();
      await killAll();
      rmSync(join(system.directory, 'apps', 'e1.json'));
      await system.startHost();
      const gateway = { restPort: 0, mirrorPort: 0 };
      await system.host.run({ name: 'e2', source: simulator.address, gateway });
      await gatewayOf(await system.client('e2'));
      expect([exists(key), exists(FOREIGN)]).to.deep.equal([false, true]);
    });
  });
});
