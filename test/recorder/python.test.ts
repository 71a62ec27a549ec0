/** Python reads recordings by its standard library and numpy: every moment, and cut files too. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../protocol/spectcl/display-writer.js';
import { channelOf, jsonSchema } from '../../recorder/flow-channel.js';
import { RecordingFile } from '../../recorder/mcap/recording-file.js';
import { RecordingReader } from '../../recorder/mcap/recording-reader.js';
import { encodePublication } from '../../recorder/mirror/publication-codec.js';
import { Recording } from '../../recorder/read/recording.js';
import { pythonWithNumpy } from '../kit/python.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const CHANNELS = 4_096;
const PUBLICATIONS = 12;
const BEGIN_S = 1_700_000_000;
const IDENTITY = { application: 'e1', type: 'bytes', properties: {}, bufferSize: 64, buffers: 4 };
const BUFFERS = { epoch: 9, generation: 1, flags: 3, sequenceHigh: 2 };

const SCRIPT = `
import json, sys, zlib, mirrorflow
with mirrorflow.open_recording(*json.loads(sys.argv[1])) as recording:
    at = lambda s: recording.at(s)["tof"].counts
    print(json.dumps({
        "application": recording.application,
        "flows": recording.flows,
        "crcs": [zlib.crc32(at(s).tobytes()) for s in json.loads(sys.argv[2])],
        "times": len(recording.times()),
        "buffers": [[b.sequence, b.flags, b.epoch, bytes(b.data).decode()] for b in recording.buffers("log")],
        "gates": recording.answer("gate/list", ${BEGIN_S + 100}),
    }))
`;

describe('a recording in Python', () => {
  let directory: TemporaryDirectory;
  let python: string;

  before(function () {
    python = pythonWithNumpy() ?? skip(this, 'no Python with numpy is installed');
  });

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => directory.remove());

  const nsOf = (index: number): number => (BEGIN_S + index) * 1e9;

  /** Checksums of the counts of each publication, one a second. */
  async function record(path: string): Promise<number[]> {
    const file = await RecordingFile.create(path, { library: 'test', chunkBytes: 4_000 });
    file.addMetadata('recording', new Map([['application', 'e1']]));
    const mirror = { ...IDENTITY, flow: 'spectra', type: 'spectra' };
    const key = file.addChannel({ ...channelOf(mirror, 'key', BUFFERS), schemaId: 0 });
    const delta = file.addChannel({ ...channelOf(mirror, 'delta', BUFFERS), schemaId: 0 });
    const log = file.addChannel({
      ...channelOf({ ...IDENTITY, flow: 'log' }, 'buffers', BUFFERS),
      schemaId: 0,
    });
    const schemaId = file.addSchema(jsonSchema('gates', {}));
    const gates = file.addChannel({
      topic: 'spectcl/gate/list',
      messageEncoding: 'json',
      schemaId,
      metadata: new Map([['kind', 'answer']]),
    });
    await file.write(gates, 0, nsOf(0), Buffer.from('{"status":"OK","detail":[{"name":"g"}]}'));
    const crcs: number[] = [];
    let last: { sequence: number; memory: Buffer } | undefined;
    for (let index = 0; index < PUBLICATIONS; index += 1) {
      const memory = Buffer.from(last?.memory ?? Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNELS * 4));
      if (index === 0)
        writeBinding(memory, 3, {
          name: 'tof',
          type: 4,
          xchans: CHANNELS,
          ychans: 1,
          channelOffset: 0,
          xmin: 0,
          xmax: 100,
        });
      for (let count = 0; count < 300; count += 1) {
        const at = DISPLAY_HEADER_BYTES + ((index * 31 + count * 977) % CHANNELS) * 4;
        memory.writeUInt32LE(memory.readUInt32LE(at) + index + count, at);
      }
      const isKey = index % 5 === 0;
      const message = encodePublication(index, memory, isKey ? undefined : last);
      await file.write(isKey ? key : delta, index, nsOf(index), message);
      await file.write(log, index, nsOf(index), Buffer.from(`line ${index}`));
      last = { sequence: index, memory };
      crcs.push(crc32(memory.subarray(DISPLAY_HEADER_BYTES)));
    }
    await file.close();
    return crcs;
  }

  function read(paths: readonly string[], seconds: readonly number[]): Record<string, unknown> {
    const PYTHONPATH = join(packageFolder(), 'bindings', 'python', 'src');
    const args = ['-c', SCRIPT, JSON.stringify(paths), JSON.stringify(seconds)];
    const { stdout, stderr, status } = spawnSync(python, args, {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1' },
    });
    expect(status, stderr).to.equal(0);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it('counts, buffers and answers of every moment are those that were recorded', async () => {
    const path = directory.file('e1.mcap');
    const crcs = await record(path);
    const seconds = [4.5, 11, 0, 7.2, 5, 3, 900].map((second) => BEGIN_S + second);
    expect(read([path], seconds)).to.deep.equal({
      application: 'e1',
      flows: ['log', 'spectra'],
      crcs: [4, 11, 0, 7, 5, 3, 11].map((index) => crcs[index]),
      times: PUBLICATIONS,
      buffers: crcs.map((_, index) => [2 * 2 ** 32 + index, 3, 9, `line ${index}`]),
      gates: [{ name: 'g' }],
    });
  });

  it('buffers that two files of a recording both have are read once, in Python and here', async () => {
    const path = directory.file('e1.mcap');
    const crcs = await record(path);
    const copy = directory.file('e1-2.mcap');
    copyFileSync(path, copy);
    const expected = crcs.map((_, index) => 2 * 2 ** 32 + index);
    const { buffers } = read([path, copy], []) as { readonly buffers: readonly [number][] };
    expect(buffers.map(([sequence]) => sequence)).to.deep.equal(expected);
    const recording = new Recording([path, copy]);
    const sequences = [...recording.buffers(new Set(['log']))].map(({ sequence }) => sequence);
    recording.close();
    expect(sequences).to.deep.equal(expected);
  });

  it('a recording whose recorder was killed is read up to its last whole chunk', async () => {
    const path = directory.file('e1.mcap');
    const crcs = await record(path);
    const cut = directory.file('cut.mcap');
    copyFileSync(path, cut);
    const reader = new RecordingReader(path);
    const { chunks } = reader.summary;
    truncateSync(cut, chunks.at(-1)!.offset + 100);
    reader.close();
    const messages = new RecordingReader(cut);
    const spectra = [...messages.messages()].filter(({ of }) => of.topic === 'spectra').length;
    messages.close();
    expect(spectra).to.be.greaterThan(1);
    const { crcs: found, times } = read([cut], [BEGIN_S + 900]);
    expect(times).to.equal(spectra);
    expect(found).to.deep.equal([crcs[spectra - 1]]);
  });
});
