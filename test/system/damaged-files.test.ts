/**
 * Files of a running flow that another program removes, replaces or truncates: the duplicator puts
 * them back or is replaced, open flows continue, and programs that come later notice nothing.
 */
import { readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FlowDirectory } from '../chaos/flow-directory.js';
import type { Reader } from '../chaos/reader.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';
import { skip } from '../kit/skip.js';
import type { TestProcess } from '../kit/test-process.js';
import { verifyChecksum } from '../../simulator/checksum.js';
import { NumberedFlow } from './numbered-flow.js';
import { APP, expectIntact, FLOW, startWithFlow, type SystemWithFlow } from './system-with-flow.js';

describe('a file of a running flow', () => {
  let running: SystemWithFlow;
  let file: string;
  let readers: Reader[];

  beforeEach(async () => {
    running = await startWithFlow();
    const { system, flow } = running;
    file = join(system.flowDirectory, APP, `${FLOW}.flow`);
    flow.startProvider();
    readers = [flow.consumer('one'), flow.consumer('two')];
    await eventually(() => flow.published > 0, 'the provider publishes');
    for (const { program } of readers) program.start();
    await flow.resumed();
  });
  afterEach(async function () {
    await running.flow.kill();
    await running.system.stop(this.currentTest?.state === 'failed');
  });

  const inode = (): bigint | undefined => statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;

  async function expectNewcomerReads(): Promise<void> {
    const newcomer = await running.system.client(APP, 'newcomer');
    const input = await newcomer.openInput(FLOW, { inline: true });
    expect((await input.take())?.data.length).to.be.above(0);
    await newcomer.close();
  }

  const damages: readonly (readonly [title: string, damage: () => void])[] = [
    ['that is removed is put back', () => rmSync(file)],
    ['that is removed with its directory is put back', () => rmSync(join(file, '..'), { recursive: true })],
    ['that is moved away is put back', () => renameSync(file, `${file}.moved`)],
    [
      'that is replaced by another file is put back',
      () => {
        writeFileSync(`${file}.other`, 'no flow file');
        renameSync(`${file}.other`, file);
      },
    ],
  ];
  for (const [title, damage] of damages) {
    it(`a flow file ${title}, no buffer is lost or repeated, and newcomers read the flow`, async () => {
      const before = inode();
      damage();
      await expectNewcomerReads();
      await running.flow.resumed();
      expect(inode()).not.to.equal(before);
      await expectIntact(running.flow);
      rmSync(`${file}.moved`, { force: true });
    });
  }

  it('a flow file that is removed when the app server was killed is put back, and its flow continues in its epoch', async () => {
    const { system, flow } = running;
    const { epoch } = openFlowFile(file, 'read');
    const [appServer, client] = [await system.appServerPid(APP), await system.client(APP)];
    const duplicator = await system.duplicatorPid(client, FLOW);
    // The duplicator waits for this consumer to close its link.
    const stopped = readers[1]?.program.pid ?? 0;
    process.kill(stopped, 'SIGSTOP');
    process.kill(appServer, 'SIGKILL');
    rmSync(file);
    await eventually(async () => {
      const next = await system.duplicatorPid(client, FLOW).catch(() => undefined);
      return next !== undefined && next !== duplicator;
    }, 'the duplicator is replaced');
    process.kill(stopped, 'SIGCONT');
    await flow.resumed();
    expect(openFlowFile(file, 'read').epoch).to.equal(epoch);
    await expectIntact(flow);
  });

  for (const bytes of [0, 8192]) {
    it(`a flow file that is truncated to ${bytes} bytes is replaced, and all other flows and servers continue`, async () => {
      const { system, flow, hostServer } = running;
      const appServer = await system.appServerPid(APP);
      const cut = new NumberedFlow(system, APP, 'cut');
      const reader = cut.consumer('of-cut');
      cut.startProvider();
      await eventually(() => cut.published > 0, 'the second provider publishes');
      reader.program.start();
      await cut.resumed();
      const path = join(system.flowDirectory, APP, 'cut.flow');
      const before = statSync(path, { bigint: true }).ino;
      // Programs that touch the missing pages end with SIGBUS.
      cut.provider.expectEnd();
      reader.program.expectEnd();
      truncateSync(path, bytes);
      // Removed, when all programs that had the flow open have ended.
      const found = (): bigint | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
      await eventually(() => found() !== before, 'the file is replaced or removed');
      await cut.restartProvider();
      await reader.killAndRestart();
      await cut.resumed();
      await cut.kill();
      await expectIntact(flow);
      expect([hostServer.hasEnded, await system.appServerPid(APP)]).to.deep.equal([false, appServer]);
    });
  }
});

describe('a flow file that is removed while its provider is busy', () => {
  let system: RealSystem;
  let provider: TestProcess;
  let file: string;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost(APP);
    file = join(system.flowDirectory, APP, `${FLOW}.flow`);
    provider = system.program('test/fixtures/busy-provider', [APP, FLOW, file]);
    expect(await provider.line()).to.equal('ready');
  });
  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  const cases: readonly (readonly [when: string, consumers: number])[] = [
    ['when its duplicator has been replaced', 0],
    ['after its consumers have moved on', 2],
  ];
  for (const [when, consumers] of cases)
    it(`what the provider publishes ${when} arrives, once and in order`, async () => {
      const client = await system.client(APP, 'readers');
      const inputs = [
        await client.openInput(FLOW, { start: 'oldest' }),
        await client.openInput(FLOW, { start: 'oldest', inline: true }),
      ];
      const seen = inputs.map((): number[] => []);
      const reading = inputs.map(async (input, index) => {
        for await (const buffer of input) {
          const number = buffer.bytes[0] ?? -1;
          const { flags, timestampNs, sequence } = buffer;
          expect([flags, timestampNs, sequence]).to.deep.equal([number, 1_000_000 * number, number]);
          seen[index]?.push(number);
          if (number === 19) break;
        }
      });
      provider.writeLine(String(consumers));
      expect(await provider.line()).to.equal('busy');
      rmSync(file);
      expect(await provider.line()).to.equal('published');
      provider.writeLine('0');
      expect([await provider.line(), await provider.line()]).to.deep.equal(['busy', 'published']);
      await Promise.all(reading);
      const all = Array.from({ length: 20 }, (_, number) => number);
      expect(seen).to.deep.equal([all, all]);
      expect(inputs.map(({ lost }) => lost)).to.deep.equal([0, 0]);
    });
});

describe('a flow file that is removed while its file system is full', () => {
  let directory: FlowDirectory;
  let running: SystemWithFlow;

  before(function () {
    directory = new FlowDirectory();
    if (directory.fillable) return;
    directory.remove();
    skip(this, 'mounting a small file system needs root, and a container that permits it');
  });
  beforeEach(async () => {
    running = await startWithFlow({ environment: { MIRRORFLOW_FLOW_DIR: directory.path } });
  });
  afterEach(async function () {
    await running.flow.kill();
    await running.system.stop(this.currentTest?.state === 'failed');
    directory.remove();
  });

  it('is put back when there is room again, and no buffer is lost or repeated', async () => {
    const { system, flow } = running;
    flow.startProvider();
    const reader = flow.consumer('one');
    await eventually(() => flow.published > 0, 'the provider publishes');
    reader.program.start();
    await flow.resumed();
    const makeRoom = directory.fill();
    rmSync(join(directory.path, APP, `${FLOW}.flow`));
    const log = join(system.directory, 'logs', `duplicator-${APP}@${FLOW}.log`);
    await eventually(() => readFileSync(log, 'utf8').includes('waits for room'), 'the copy waits for room');
    makeRoom();
    await flow.resumed();
    await expectIntact(flow);
  });
});

describe('the files of a running mirror', () => {
  let system: RealSystem;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost();
    const simulator = await system.simulator({ rate: 1_000, intervalMs: 20 });
    await system.host.run({ name: APP, source: simulator.address, updateIntervalMs: 20, lingerMs: 60_000 });
  });
  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  for (const name of ['spectra.image', 'spectra.flow'])
    it(`${name} that is removed is put back, an open mirror continues in it, and newcomers read it`, async () => {
      const client = await system.client(APP);
      const mirror = await client.mirror();
      const reattached = new Promise<void>((resolve) => {
        client.on('status', ({ status }) => {
          if (status === 'reattached') resolve();
        });
      });
      rmSync(join(system.flowDirectory, APP, name));
      const newcomer = await system.client(APP, 'newcomer');
      expect((await newcomer.getMemory()).length).to.be.above(0);
      await reattached;
      const { published } = mirror;
      await eventually(() => mirror.published > published, 'the mirror is brought up to date');
      expect(mirror.read((spectra) => verifyChecksum(spectra.memory).ok)).to.equal(true);
    });

  it('a program gives the memory of a removed image back', async () => {
    const client = await system.client(APP);
    const mirror = await client.mirror();
    const reattached = new Promise<void>((resolve) => mirror.once('reattached', () => resolve()));
    const image = join(system.flowDirectory, APP, 'spectra.image');
    const isMapped = (): boolean => readFileSync('/proc/self/maps', 'utf8').includes(`${image} (deleted)`);
    rmSync(image);
    expect(isMapped()).to.equal(true);
    await reattached;
    await eventually(() => !isMapped(), 'the removed image is not mapped any more');
    expect(mirror.read((spectra) => verifyChecksum(spectra.memory).ok)).to.equal(true);
  });

  it('the image of a mirror that is truncated is replaced', async () => {
    const client = await system.client(APP);
    await client.openInput('spectra', { inline: true, delivery: 'lossy' });
    const image = join(system.flowDirectory, APP, 'spectra.image');
    const { ino } = statSync(image, { bigint: true });
    truncateSync(image, 4096);
    await eventually(
      () => statSync(image, { bigint: true, throwIfNoEntry: false })?.ino !== ino,
      'the image is replaced',
    );
    const newcomer = await system.client(APP, 'newcomer');
    const mirror = await newcomer.mirror();
    expect(mirror.read((spectra) => verifyChecksum(spectra.memory).ok)).to.equal(true);
  });
});
