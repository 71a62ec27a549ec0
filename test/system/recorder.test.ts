/** The recorder of an application, as a child of its app server: also killed or on a full disk. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Client, OutputFlow } from '../../client-lib/index.js';
import type { RecordOptions, RecorderInfo } from '../../protocol/rpc/contract/recorder.js';
import { Recording } from '../../recorder/read/recording.js';
import { describeRecording, verifyRecording } from '../../recorder/read/verify.js';
import { eventually } from '../kit/eventually.js';
import { failureOf } from '../kit/failure-of.js';
import { RealSystem } from '../kit/real-system.js';
import { needsRoot } from '../kit/requirements.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const BUFFER_BYTES = 64 * 1024;

describe('the recorder of an application', () => {
  let system: RealSystem;
  let client: Client;
  let output: OutputFlow;
  let written: number;
  let temporary: TemporaryDirectory;

  beforeEach(() => {
    written = 0;
    temporary = new TemporaryDirectory();
  });

  afterEach(async function () {
    temporary.remove();
    await system.stop(this.currentTest?.state === 'failed');
  });

  /** With the options in the configuration file of the host server. */
  async function start(record: Partial<RecordOptions> = {}): Promise<void> {
    system = new RealSystem({
      hostOptions: ['--listen', 'tcp://127.0.0.1:0', '--config', configure(record)],
    });
    await system.startHost();
    client = await system.client('e1');
    output = await client.openOutput('events', { bufferSize: BUFFER_BYTES, buffers: 16 });
  }

  function configure(record: Partial<RecordOptions>): string {
    const path = temporary.file('host.json');
    writeFileSync(
      path,
      JSON.stringify({ applications: [{ name: 'e1', record: { flows: ['events'], ...record } }] }),
    );
    return path;
  }

  /** Resolves when the recorder reads the flow. */
  async function attached(): Promise<void> {
    await eventually(async () => (await client.flowConsumers('events')).length === 1, 'it reads');
  }

  /** The state of the recorder once it is as asked. */
  function recorder(is: (info: RecorderInfo) => boolean, what: string): Promise<RecorderInfo> {
    return eventually(async () => {
      const info = (await client.appInfo().catch(() => undefined))?.recorder;
      return info !== undefined && is(info) ? info : undefined;
    }, what);
  }

  async function write(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      written += 1;
      await output.write(Buffer.alloc(1_024, written & 0xff));
    }
  }

  const hasRecorded = (count: number) => (info: RecorderInfo) =>
    info.state === 'recording' && info.flows[0]?.buffers === count;

  it('a recorder records what the configuration names below the state directory, and ends with its application', async () => {
    await start();
    await recorder(({ state }) => state === 'recording', 'it records');
    await attached();
    await write(20);
    const info = await recorder(hasRecorded(20), 'it has recorded every buffer');
    expect(info.directory).to.equal(join(system.root, 'state', 'recordings', 'e1'));
    const { file = '' } = info;
    expect(readdirSync(info.directory).map((name) => join(info.directory, name))).to.deep.equal([file]);
    expect(info.since?.getTime()).to.be.at.most(Date.now());
    expect(info.bytes).to.be.greaterThan(20 * 1_024);
    const apps = system.program('console/main.js', ['apps', '--json']);
    expect(await apps.end()).to.equal(0);
    expect(apps.output).to.include('"state":"recording"').and.include(JSON.stringify(file));
    await output.close();
    await system.host.stop('e1');
    expect(describeRecording(file)).to.include({ status: 'finished', messages: 20 });
    expect(() => process.kill(info.pid ?? 0, 0)).to.throw('ESRCH');
  });

  it('a recorder without a source waits and says so, and records again when the source is back', async () => {
    await start();
    await recorder(({ state }) => state === 'recording', 'it records');
    await attached();
    await write(3);
    await recorder(hasRecorded(3), 'it has recorded');
    await output.close();
    const waiting = await recorder(({ state }) => state === 'waiting', 'it waits');
    expect(waiting.cause).to.equal('waiting for the source of events, which is ended');
    const apps = system.program('console/main.js', ['apps']);
    expect(await apps.end()).to.equal(0);
    expect(apps.output).to.match(/waiting +waiting for the source of events/);
    output = await client.openOutput('events', { bufferSize: BUFFER_BYTES, buffers: 16 });
    await write(1);
    const again = await recorder(hasRecorded(4), 'it records again');
    expect(again.cause).to.equal(undefined);
    await output.close();
  });

  it('a recorder of a flow that no program has opened waits, and its file is listed as waiting', async () => {
    await start({ flows: ['never'] });
    const { file = '', cause } = await recorder(
      ({ state, file }) => state === 'waiting' && file !== undefined,
      'it waits',
    );
    expect(cause).to.equal('waiting for the source of never: the flow does not exist yet');
    const listed = system.program('console/main.js', ['recordings', 'list', file]);
    expect(await listed.end()).to.equal(0);
    expect(listed.output).to.match(/\.mcap +waiting/);
    await output.close();
  });

  it('a killed recorder is started again with a new file, and both files together have every buffer once', async () => {
    await start();
    await attached();
    await write(5);
    const killed = await recorder(hasRecorded(5), 'it has recorded');
    await eventually(
      () => describeRecording(killed.file ?? '').messages === 5,
      'the buffers are in the file',
    );
    process.kill(killed.pid ?? 0, 'SIGKILL');
    const isNext = ({ pid, file }: RecorderInfo): boolean =>
      pid !== undefined && pid !== killed.pid && file !== undefined;
    const next = await recorder(isNext, 'another one');
    expect(next.file).to.not.equal(killed.file);
    expect(next.restarts).to.equal(1);
    await attached();
    await write(7);
    await recorder(hasRecorded(12), 'the next one has recorded these and what the ring had');
    expect(describeRecording(killed.file ?? '').status).to.equal('cut');
    await output.close();
    await system.host.stop('e1');
    const recording = new Recording([killed.file ?? '', next.file ?? '']);
    const sequences = [...recording.buffers(new Set(['events']))].map(({ sequence }) => sequence);
    recording.close();
    expect(sequences).to.deep.equal(sequences.map((_, index) => index));
    expect(sequences).to.have.length(12);
  });

  it('a recorder records without its app server into the same file, and the next app server adopts it', async () => {
    await start();
    await attached();
    await write(3);
    const before = await recorder(hasRecorded(3), 'it has recorded');
    const { pid } = await client.appInfo();
    process.kill(pid, 'SIGKILL');
    await write(4);
    await eventually(async () => (await client.appInfo().catch(() => undefined))?.pid !== pid, 'another one');
    const { file, pid: recorderPid, restarts } = await recorder(hasRecorded(7), 'it has recorded all');
    expect({ file, recorderPid, restarts }).to.deep.equal({
      file: before.file,
      recorderPid: before.pid,
      restarts: 0,
    });
    await output.close();
  });

  it('a full disk is a state with its cause; recording begins again when there is space, and the flow never waits', async function () {
    needsRoot(this, 'mounting a small file system');
    const small = temporary.file('small');
    mkdirSync(small);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', small]).status !== 0) this.skip();
    try {
      await start({ directory: small });
      await attached();
      const full = await eventually(async () => {
        for (let index = 0; index < 64; index += 1) await output.write(Buffer.alloc(BUFFER_BYTES, index));
        const { recorder: info } = await client.appInfo();
        return info?.state === 'full' ? info : undefined;
      }, 'the disk is full');
      expect(full.cause).to.match(/cannot grow: .*ENOSPC/);
      const doctor = system.program('console/main.js', ['doctor', '--json']);
      await doctor.end();
      const findings = JSON.parse(doctor.output) as { check: string; state: string; mend?: string }[];
      expect(findings.find(({ check }) => check === 'recorders')).to.include({
        state: 'fail',
        mend: `free space for ${small}`,
      });
      for (let index = 0; index < 200; index += 1) await output.write(Buffer.alloc(BUFFER_BYTES, index));
      expect(verifyRecording(full.file ?? '').defects).to.deep.equal([]);
      rmSync(full.file ?? '');
      const again = await recorder(({ state }) => state === 'recording', 'it records again');
      expect(again.pid).to.equal(full.pid);
      expect(again.file).to.not.equal(full.file);
      await output.close();
      await system.host.stop('e1');
    } finally {
      await system.end();
      spawnSync('umount', [small]);
    }
  });

  it('a directory of recordings is refused over the network of hosts and from clients', async () => {
    await start();
    const record = { flows: ['events'], directory: '/tmp' };
    expect((await failureOf(system.host.run({ name: 'e2', record }))).code).to.equal('NOT_PERMITTED');
    expect(await system.program('console/main.js', ['run', 'e3', '--record', 'events,logs']).end()).to.equal(
      0,
    );
    expect((await (await system.client('e3')).appInfo()).recorder?.directory).to.equal(
      join(system.root, 'state', 'recordings', 'e3'),
    );
    await system.host.run({ name: 'e2', record: { flows: ['events'], forMs: 1 } });
    const other = await system.client('e2');
    const ended = await eventually(async () => {
      const info = (await other.appInfo()).recorder;
      return info?.state === 'finished' ? info : undefined;
    }, 'the time of the recording is over');
    expect(ended.directory).to.equal(join(system.root, 'state', 'recordings', 'e2'));
    await output.close();
  });
});
