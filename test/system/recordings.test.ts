/** Flows and mirrors that real recorders record, also when killed or on a full disk. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { SpectraView, type OutputFlow } from '../../client-lib/index.js';
import { Recording } from '../../recorder/read/recording.js';
import { describeRecording, verifyRecording } from '../../recorder/read/verify.js';
import { verifyChecksum } from '../../simulator/checksum.js';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';
import { needsRoot } from '../kit/requirements.js';
import type { TestProcess } from '../kit/test-process.js';

const CONSOLE = 'console/main.js';
/** Between two looks at a recording, which read the file: the simulator needs the thread. */
const LOOK_MS = 200;
const KIB = 1024;

describe('a recording', () => {
  let system: RealSystem;
  let directory: string;

  beforeEach(() => {
    system = new RealSystem();
    directory = join(system.root, 'recordings');
    mkdirSync(directory);
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  const record = async (...words: string[]): Promise<TestProcess> => {
    const program = system.program(CONSOLE, ['record', ...words, '-o', directory]);
    await program.until(() => program.errors.includes('attached to the '));
    return program;
  };

  const paths = (folder = directory): string[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.mcap'))
      .map((name) => join(folder, name));

  const recorded = (folder = directory): number =>
    paths(folder).reduce((sum, path) => sum + describeRecording(path).messages, 0);

  interface Sent {
    readonly hash: string;
    readonly bytes: number;
  }

  /** Writes numbered buffers of all sizes up to `size`. */
  async function write(output: OutputFlow, count: number, size: number): Promise<Sent> {
    const hash = createHash('sha256');
    let bytes = 0;
    for (let index = 0; index < count; index += 1) {
      const slot = await output.reserve();
      const length = 1 + ((index * 7_919) % size);
      slot.data.fill(index & 0xff, 0, length);
      slot.data.writeUInt8((index * 13) & 0xff, 0);
      hash.update(slot.data.subarray(0, length));
      slot.commit(length, { flags: index % 3, timestampNs: 1_700_000_000_000_000_000 + index * 1_024 });
      bytes += length;
    }
    return { hash: hash.digest('hex'), bytes };
  }

  it('every buffer of a flow comes out as it went in, with sequence, flags and time, over several files', async () => {
    await system.startHost('e1');
    const client = await system.client('e1');
    const output = await client.openOutput('events', { bufferSize: 8 * KIB, buffers: 64 });
    const recorder = await record('events', '--app', 'e1', '--rotate', '4MiB');
    const count = 4_000;
    const sent = await write(output, count, 8 * KIB);
    await output.close();
    await eventually(() => delay(LOOK_MS).then(() => recorded() === count), 'every buffer is recorded');
    expect(await recorder.stop()).to.equal(0);
    expect(paths().length).to.be.greaterThan(2);
    const recording = new Recording(paths());
    const hash = createHash('sha256');
    let index = 0;
    for (const buffer of recording.buffers(new Set(['events']))) {
      hash.update(buffer.data);
      expect(buffer.sequence).to.equal(index);
      expect(buffer.flags).to.equal(index % 3);
      expect(buffer.timestampNs).to.equal(1_700_000_000_000_000_000 + index * 1_024);
      index += 1;
    }
    recording.close();
    expect(index).to.equal(count);
    expect(hash.digest('hex')).to.equal(sent.hash);
    for (const path of paths()) expect(verifyRecording(path).defects).to.deep.equal([]);
  });

  it('publications of a mirror are recorded bit for bit, with the answers of its SpecTcl and its run', async () => {
    const simulator = await system.simulator({ rate: 2_000, intervalMs: 100, channelBytes: 2_048 * KIB });
    await system.startHost();
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 200 });
    const client = await system.client('e1');
    const recorder = await record('spectra', '--app', 'e1', '--every', '0');
    const live = new Map<number, Buffer>();
    const flow = await client.openInput('spectra', { delivery: 'lossy', start: 'next' });
    const capture = async (count: number): Promise<void> => {
      for (const goal = live.size + count; live.size < goal;) {
        const buffer = await flow.take();
        if (buffer === undefined) throw new Error('the mirror has ended');
        live.set(buffer.timestampNs, Buffer.from(buffer.copy()));
      }
    };
    await capture(6);
    simulator.define({
      name: 'late',
      type: 4,
      axes: [{ parameter: 'p', low: 0, high: 100, bins: 100, unit: '' }],
    });
    await capture(6);
    await flow.close();
    const newest = Math.max(...live.keys());
    await eventually(
      () => delay(LOOK_MS).then(() => paths().some((path) => (describeRecording(path).endNs ?? 0) >= newest)),
      'the newest publication is recorded',
    );
    await eventually(async () => {
      await delay(LOOK_MS);
      const recording = new Recording(paths());
      const answer = recording.answerAt('spectrum/list', Infinity)?.toString() ?? '';
      recording.close();
      return answer.includes('"late"');
    }, 'the answer with the new spectrum is recorded');
    expect(await recorder.stop()).to.equal(0);
    const recording = new Recording(paths());
    const times: number[] = [];
    let compared = 0;
    const cursor = recording.cursor('spectra');
    for (let atNs = cursor.firstNs; atNs !== undefined; atNs = cursor.nextNs) {
      times.push(atNs);
      const memory = cursor.moveTo(atNs)?.memory;
      expect(memory !== undefined && verifyChecksum(memory).ok, `publication at ${atNs}`).to.equal(true);
      const expected = live.get(atNs);
      if (expected === undefined) continue;
      expect(memory?.equals(expected)).to.equal(true);
      compared += 1;
    }
    expect(compared).to.be.greaterThan(5);
    const [first = 0] = times;
    expect(recording.answerAt('spectrum/list', first)?.toString()).not.to.contain('"late"');
    expect(recording.answerAt('gate/list', first)?.toString()).to.contain('"status"');
    const last = recording.publicationAt('spectra', Infinity);
    const tof = last === undefined ? undefined : new SpectraView(last.memory).get('tof').counts.slice(1, -1);
    const exported = system.program(CONSOLE, ['export', directory, '--spectrum', 'tof', '--format', 'json']);
    const { counts } = JSON.parse(await exported.success()) as { counts: number[] };
    expect(counts.join()).to.equal(tof?.join());
    expect(recording.runs()[0]).to.include({ number: '1', state: 'Active', title: 'Simulated run, no beam' });
    recording.close();
  });

  it('a recording ends by itself after its time, with exit code 0 and finished files', async () => {
    await system.startHost('e1');
    const client = await system.client('e1');
    const output = await client.openOutput('events', { bufferSize: KIB });
    await output.write(Buffer.alloc(KIB, 1));
    const recorder = await record('events', '--app', 'e1', '--for', '1s');
    expect(await recorder.end()).to.equal(0);
    expect(recorder.output).to.match(/^events: 1 recorded, 1024 bytes, 0 lost$/m);
    expect(paths().map((path) => describeRecording(path).status)).to.deep.equal(['finished']);
    await output.close();
  });

  it('a recorder that is killed leaves a file that is readable, and that a repair completes', async () => {
    await system.startHost('e1');
    const client = await system.client('e1');
    const output = await client.openOutput('events', { bufferSize: KIB });
    const recorder = await record('events', '--app', 'e1');
    const [path = ''] = paths();
    for (let index = 0; index < 500; index += 1) await output.write(Buffer.alloc(KIB, index & 0xff));
    await eventually(
      () => delay(LOOK_MS).then(() => describeRecording(path).messages === 500),
      'the buffers are on the disk',
    );
    expect(describeRecording(path).status).to.equal('recording');
    const refused = system.program(CONSOLE, ['recordings', 'repair', path]);
    expect(await refused.end()).to.equal(1);
    expect(refused.errors).to.contain('is being recorded');
    // What is written from here on may be lost, in whole chunks.
    for (let index = 0; index < 5_000; index += 1) await output.write(Buffer.alloc(KIB, index & 0xff));
    await recorder.kill();
    const { status, messages } = describeRecording(path);
    expect(status).to.equal('cut');
    expect(messages).to.be.at.least(500);
    const verify = system.program(CONSOLE, ['recordings', 'verify', path]);
    expect(await verify.end()).to.equal(6);
    await system.program(CONSOLE, ['recordings', 'repair', path]).success();
    expect(verifyRecording(path)).to.deep.equal({ status: 'finished', messages, defects: [], cutBytes: 0 });
    await output.close();
  });

  it('a full disk ends the recording with a clear error, keeps what was recorded and never holds the flow', async function () {
    needsRoot(this, 'mounting a small file system');
    const small = join(system.root, 'small');
    mkdirSync(small);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', small]).status !== 0) this.skip();
    try {
      await system.startHost('e1');
      const client = await system.client('e1');
      const output = await client.openOutput('events', { bufferSize: 64 * KIB, buffers: 8 });
      const recorder = system.program(CONSOLE, ['record', 'events', '--app', 'e1', '-o', small]);
      await recorder.until(() => recorder.errors.includes('attached to the '));
      for (let index = 0; !recorder.hasEnded; index += 1) {
        await output.write(Buffer.alloc(64 * KIB, index & 0xff));
        if (index % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await recorder.end()).to.equal(1);
      expect(recorder.errors).to.match(/cannot grow: .*ENOSPC/);
      for (let index = 0; index < 100; index += 1) await output.write(Buffer.alloc(64 * KIB, 1));
      await output.close();
      const [path = ''] = paths(small);
      const verified = verifyRecording(path);
      expect(verified.defects).to.deep.equal([]);
      expect(verified.messages).to.be.greaterThan(30);
      const recording = new Recording([path]);
      const sequences = [...recording.buffers(new Set(['events']))].map(({ sequence }) => sequence);
      recording.close();
      const first = sequences[0] ?? -1;
      expect(sequences).to.deep.equal(sequences.map((_, index) => first + index));
    } finally {
      spawnSync('umount', [small]);
    }
  });
});
