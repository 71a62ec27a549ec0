/** Recorded mirrors are restored bit for bit at any moment, and damage is never passed on. */
import { expect } from 'chai';
import { channelOf } from '../../recorder/flow-channel.js';
import { RecordingFile } from '../../recorder/mcap/recording-file.js';
import { DecodedPublication, encodePublication } from '../../recorder/mirror/publication-codec.js';
import { Recording } from '../../recorder/read/recording.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const MOMENTS = 1_000;
const PUBLICATIONS = 120;
const PER_FILE = 40;
const KEY_EVERY = 15;
const BLOCK = 4096;

describe('recorded publications', () => {
  let directory: TemporaryDirectory;
  let seed = 99;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => directory.remove());

  function changed(memory: Buffer): Buffer {
    const next = Buffer.from(memory);
    for (let count = 0; count < 40; count += 1) {
      const at = random(next.length / 4) * 4;
      next.writeUInt32LE((next.readUInt32LE(at) + 1 + random(3)) >>> 0, at);
    }
    return next;
  }

  it('1,000 random moments of a recording of several files are the publications of those moments', async () => {
    const identity = {
      application: 'e1',
      flow: 'spectra',
      type: 'spectra',
      properties: {},
      bufferSize: 64 * BLOCK + 100,
      buffers: 2,
    };
    const times: number[] = [];
    const memories: Buffer[] = [];
    const paths: string[] = [];
    let memory: Buffer = Buffer.alloc(identity.bufferSize);
    let file: RecordingFile | undefined;
    let [key, delta] = [0, 0];
    for (let index = 0; index < PUBLICATIONS; index += 1) {
      if (index % PER_FILE === 0) {
        await file?.close();
        paths.push(directory.file(`${index}.mcap`));
        file = await RecordingFile.create(paths.at(-1)!, { library: 'test', chunkBytes: 20_000 });
        file.addMetadata('recording', new Map([['application', 'e1']]));
        const buffers = { epoch: 1, generation: 0, flags: 0, sequenceHigh: 0 };
        key = file.addChannel({ ...channelOf(identity, 'key', buffers), schemaId: 0 });
        delta = file.addChannel({ ...channelOf(identity, 'delta', buffers), schemaId: 0 });
      }
      const before = memories.at(-1);
      memory = changed(memory);
      times.push((times.at(-1) ?? 1_000_000) + 256 * (1 + random(1_000)));
      memories.push(memory);
      const isKey = index % PER_FILE === 0 || index % KEY_EVERY === 0 || before === undefined;
      const message = encodePublication(
        index,
        memory,
        isKey ? undefined : { sequence: index - 1, memory: before },
      );
      await file!.write(isKey ? key : delta, index, times.at(-1)!, message);
    }
    await file?.close();
    const recording = new Recording(paths.toReversed());
    const [first = 0, last = 0] = [times[0], times.at(-1)];
    expect(recording.publicationAt('spectra', first - 1)).to.equal(undefined);
    for (let moment = 0; moment < MOMENTS; moment += 1) {
      const atNs = first + random(last - first + 1_000);
      const index = times.findLastIndex((time) => time <= atNs);
      const found = recording.publicationAt('spectra', atNs);
      expect(found?.sequence).to.equal(index);
      expect(found?.timestampNs).to.equal(times[index]);
      expect(found?.memory.equals(memories[index]!)).to.equal(true);
    }
    // Forward from publication to publication, and back to the first.
    const cursor = recording.cursor('spectra');
    const sequences: number[] = [];
    for (let atNs: number | undefined = first; atNs !== undefined; atNs = cursor.nextNs) {
      const found = cursor.moveTo(atNs);
      sequences.push(found?.sequence ?? -1);
      expect(found?.memory.equals(memories[sequences.length - 1]!)).to.equal(true);
    }
    expect(sequences).to.deep.equal(memories.map((_, index) => index));
    expect(cursor.moveTo(first)?.memory.equals(memories[0]!)).to.equal(true);
    recording.close();
  });

  it('a delta without its base, a cut message and a changed byte are reported, not applied in silence', () => {
    const one = changed(Buffer.alloc(8 * BLOCK));
    const two = changed(one);
    const key = encodePublication(7, one);
    const delta = encodePublication(8, two, { sequence: 7, memory: one });
    const decoded = new DecodedPublication();
    expect(decoded.apply(delta)).to.match(/needs 7, which is not there/);
    expect(decoded.apply(key)).to.equal(undefined);
    expect(decoded.check(key)).to.equal(undefined);
    expect(decoded.apply(delta.subarray(0, delta.length - 3))).to.match(/cut/);
    expect(decoded.apply(delta), 'the base is undefined after a defect').to.match(/needs 7/);
    decoded.apply(key);
    expect(decoded.apply(delta)).to.equal(undefined);
    expect(decoded.memory.equals(two)).to.equal(true);
    expect(decoded.check(key)).to.match(/checksum/);
  });
});
