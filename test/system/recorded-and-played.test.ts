/**
 * What comes out of `play` equals what went into `record`, over several files. With
 * MIRRORFLOW_LONG_TESTS=1 10 GB of a flow; the files of the recording take as much of the disk.
 */
import { createHash, type Hash } from 'node:crypto';
import { mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { Client, OutputFlow } from '../../client-lib/index.js';
import { describeRecording } from '../../recorder/read/verify.js';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';
import { skip } from '../kit/skip.js';

const CONSOLE = 'console/main.js';
const LONG = process.env['MIRRORFLOW_LONG_TESTS'] === '1';
const LONG_MS = 3_600_000;
/** Between two looks at a recording, which read the file that is being written. */
const LOOK_MS = LONG ? 3_000 : 200;
const BUFFER_BYTES = 65_536;
const BUFFERS = Math.ceil((LONG ? 10e9 : 32e6) / BUFFER_BYTES);
const ROTATE = LONG ? '1GiB' : '8MiB';
const BEGIN_NS = 1_700_000_000_000_000_000;

describe('a flow that is recorded and played', function () {
  if (LONG) this.timeout(LONG_MS);
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

  const add = (hash: Hash, data: Uint8Array, timestampNs: number, flags: number): void =>
    void hash.update(data).update(`${timestampNs} ${flags}`);

  /** Buffers of all sizes up to the largest; resolves with their checksum. */
  async function provide(output: OutputFlow): Promise<string> {
    const hash = createHash('sha256');
    for (let index = 0; index < BUFFERS; index += 1) {
      const slot = output.reserveNow() ?? (await output.reserve());
      const size = BUFFER_BYTES - ((index * 7) % 128);
      const timestampNs = BEGIN_NS + index * 4_096;
      slot.data.fill(index & 0xff, 0, size);
      for (let at = 0; at + 4 < size; at += 4_096) slot.data.writeUInt32LE((index * 31 + at) >>> 0, at);
      add(hash, slot.data.subarray(0, size), timestampNs, index % 5);
      slot.commit(size, { flags: index % 5, timestampNs });
    }
    await output.close();
    return hash.digest('hex');
  }

  async function receive(client: Client, begin: () => Promise<unknown>): Promise<string> {
    const flow = await client.openInput('events');
    await begin();
    const hash = createHash('sha256');
    for (let index = 0; index < BUFFERS; index += 1) {
      const buffer = await flow.take();
      if (buffer === undefined) throw new Error(`the flow ended after ${index} of ${BUFFERS} buffers`);
      add(hash, buffer.bytes, buffer.timestampNs, buffer.flags);
      buffer.release();
    }
    await flow.close();
    return hash.digest('hex');
  }

  it(`${LONG ? '10 GB' : '32 MB'} of buffers come out of several files as they went in`, async function () {
    const { bavail, bsize } = statfsSync(system.root);
    if (bavail * bsize < 1.2 * BUFFERS * BUFFER_BYTES) skip(this, 'the disk has no space for the recording');
    await system.startHost('e1');
    const provider = await system.client('e1');
    const output = await provider.openOutput('events', { bufferSize: BUFFER_BYTES, buffers: 256 });
    const recorder = system.program(CONSOLE, ['record', 'events', '--app', 'e1', '--hold', '--rotate', ROTATE, '-o', directory]); // prettier-ignore
    await recorder.until(() => recorder.errors.includes('attached to the flow'));
    const sent = await provide(output);
    const files = (): string[] => readdirSync(directory).map((name) => join(directory, name));
    const recorded = (): number => files().reduce((sum, path) => sum + describeRecording(path).messages, 0);
    await eventually(
      () => delay(LOOK_MS).then(() => recorded() === BUFFERS),
      'every buffer is recorded',
      LONG ? LONG_MS : undefined,
    );
    expect(await recorder.stop()).to.equal(0);
    // A file may become larger than stated by what is copied without a wait.
    expect(files().length).to.be.greaterThan(1);

    const player = system.program(CONSOLE, ['play', directory, '--paused', '--speed', 'max']);
    await player.until(() => player.errors.includes('playing as e1.replay'));
    const received = await receive(await system.client('e1.replay'), () =>
      system.program(CONSOLE, ['player', 'resume', '--app', 'e1.replay']).success(),
    );
    expect(received).to.equal(sent);
    expect(await player.success()).to.contain(`${BUFFERS} buffers played`);
  });
});
