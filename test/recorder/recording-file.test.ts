/** Recordings are MCAP files that programs without any of our code read, with every byte. */
import { createHash } from 'node:crypto';
import { open, truncate } from 'node:fs/promises';
import { existsSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import * as zlib from 'node:zlib';
import { McapIndexedReader, McapStreamReader } from '@mcap/core';
import { expect } from 'chai';
import type { Compression } from '../../recorder/mcap/chunk.js';
import { compressionNamed } from '../../recorder/mcap/compression.js';
import { RecordingFile } from '../../recorder/mcap/recording-file.js';
import { RecordingReader } from '../../recorder/mcap/recording-reader.js';
import { describeRecording, repairRecording, verifyRecording } from '../../recorder/read/verify.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const HAS_ZSTD = 'zstdCompressSync' in zlib;
const MESSAGES = 2_000;
const LARGEST_BYTES = 3_000;

/** Deterministic bytes that differ from message to message. */
function payload(index: number): Buffer {
  const bytes = Buffer.alloc(1 + ((index * 7_919) % LARGEST_BYTES));
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = (index * 31 + at * 17) & 0xff;
  return bytes;
}

describe('a recording file', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => directory.remove());

  async function write(
    name: string,
    close = true,
    compression?: Compression,
  ): Promise<{ path: string; file: RecordingFile }> {
    const path = directory.file(name);
    const file = await RecordingFile.create(path, { library: 'test', chunkBytes: 64 * 1024, compression });
    const schemaId = file.addSchema({ name: 's', encoding: 'jsonschema', data: Buffer.from('{}') });
    const even = file.addChannel({ topic: 'even', schemaId, messageEncoding: 'json', metadata: new Map() });
    const odd = file.addChannel({
      topic: 'odd',
      schemaId: 0,
      messageEncoding: '',
      metadata: new Map([['a', 'b']]),
    });
    file.addMetadata('run', new Map([['number', '7']]));
    for (let index = 0; index < MESSAGES; index += 1)
      await file.write(index % 2 === 0 ? even : odd, index, 1_000_000 + index * 256, payload(index));
    if (close) await file.close();
    else await file.sync();
    return { path, file };
  }

  it("@mcap/core's indexed reader reads every message of a file, from any time, with correct checksums", async () => {
    const { path } = await write('whole.mcap');
    const handle = await open(path);
    const reader = await McapIndexedReader.Initialize({
      readable: {
        size: async () => BigInt((await handle.stat()).size),
        read: async (offset, length) => {
          const bytes = new Uint8Array(Number(length));
          await handle.read(bytes, 0, bytes.length, Number(offset));
          return bytes;
        },
      },
    });
    const [expected, found] = [createHash('sha256'), createHash('sha256')];
    for (let index = 0; index < MESSAGES; index += 1) expected.update(payload(index));
    let count = 0;
    for await (const message of reader.readMessages({ validateCrcs: true })) {
      expect(message.sequence).to.equal(count);
      expect(message.logTime).to.equal(BigInt(1_000_000 + count * 256));
      found.update(message.data);
      count += 1;
    }
    expect(count).to.equal(MESSAGES);
    expect(found.digest('hex')).to.equal(expected.digest('hex'));
    const late: number[] = [];
    for await (const { sequence } of reader.readMessages({
      topics: ['odd'],
      startTime: BigInt(1_000_000 + 1_990 * 256),
    }))
      late.push(sequence);
    expect(late).to.deep.equal([1991, 1993, 1995, 1997, 1999]);
    expect(reader.statistics?.messageCount).to.equal(BigInt(MESSAGES));
    expect([...reader.metadataIndexes].map(({ name }) => name)).to.deep.equal(['run']);
    await handle.close();
  });

  it("@mcap/core's streaming reader reads a file that has no summary yet", async () => {
    const { path, file } = await write('growing.mcap', false);
    const reader = new McapStreamReader({ validateCrcs: true });
    reader.append(readFileSync(path));
    let count = 0;
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord())
      if (record.type === 'Message') expect(Buffer.from(record.data).equals(payload(count++))).to.equal(true);
    expect(count).to.equal(MESSAGES);
    await file.close();
  });

  it('a file is read while it is written, and its end after a refresh', async () => {
    const { path, file } = await write('refresh.mcap', false);
    const reader = new RecordingReader(path);
    expect(reader.isFinished).to.equal(false);
    expect([...reader.messages()].length).to.equal(MESSAGES);
    await file.write(0, 5, 9_000_000, Buffer.from('last'));
    await file.close();
    reader.refresh();
    expect(reader.isFinished).to.equal(true);
    expect([...reader.messages()].at(-1)?.data.toString()).to.equal('last');
    reader.close();
  });

  it('an unfinished recording of another host counts as being written until a minute after its last change', async () => {
    const path = directory.file('elsewhere.mcap');
    const file = await RecordingFile.create(path, { library: 'test' });
    file.addMetadata('recording', new Map([['host', 'another']]));
    await file.sync();
    expect(describeRecording(path).status).to.equal('recording');
    expect(() => repairRecording(path)).to.throw('is being recorded');
    const before = new Date(Date.now() - 61_000);
    utimesSync(path, before, before);
    expect(describeRecording(path).status).to.equal('cut');
    await file.close();
  });

  it('a file has its first metadata as soon as its name exists', async () => {
    const path = directory.file('begun.mcap');
    const seen: (string | undefined)[] = [];
    const metadata = new Map([['recording', new Map([['application', 'e1']])]]);
    const created = RecordingFile.create(path, { library: 'test', metadata });
    let isCreated = false;
    void created.finally(() => (isCreated = true));
    while (!isCreated) {
      if (existsSync(path)) seen.push(describeRecording(path).application);
      await new Promise(setImmediate);
    }
    await (await created).close();
    seen.push(describeRecording(path).application);
    expect(new Set(seen)).to.deep.equal(new Set(['e1']));
    expect(readdirSync(directory.path)).to.deep.equal(['begun.mcap']);
  });

  it('an existing file is not overwritten', async () => {
    const path = directory.file('mine.mcap');
    writeFileSync(path, 'mine');
    const error = await RecordingFile.create(path, { library: 'test' }).catch((failure: unknown) => failure);
    expect(error).to.have.property('message').that.includes('EEXIST');
    expect(readFileSync(path, 'utf8')).to.equal('mine');
    expect(readdirSync(directory.path)).to.deep.equal(['mine.mcap']);
  });

  it('a file that is cut at any byte is read up to its last whole chunk, and repaired', async () => {
    const { path } = await write('cut.mcap');
    const whole = readFileSync(path);
    const reader = new RecordingReader(path);
    const chunks = [...reader.summary.chunks];
    reader.close();
    const cut = directory.file('cut-copy.mcap');
    let seed = 7;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
    const places = [
      chunks[3]!.offset + chunks[3]!.bytes,
      chunks[3]!.offset + chunks[3]!.bytes + 5,
      ...Array.from({ length: 60 }, () => 200 + Math.floor(random() * (whole.length - 300))),
    ];
    for (const place of places) {
      writeFileSync(cut, whole);
      await truncate(cut, place);
      const wholeChunks = chunks.filter(({ offset, bytes }) => offset + bytes <= place).length;
      const before = new RecordingReader(cut);
      expect(before.summary.chunks.length, `cut at ${place}`).to.equal(wholeChunks);
      const messages = [...before.messages()].map(({ sequence }) => sequence);
      before.close();
      repairRecording(cut);
      const verified = verifyRecording(cut);
      expect(verified).to.deep.equal({
        status: 'finished',
        messages: messages.length,
        defects: [],
        cutBytes: 0,
      });
      const after = new RecordingReader(cut);
      expect([...after.messages()].map(({ sequence }) => sequence)).to.deep.equal(messages);
      expect(messages).to.deep.equal(messages.map((_, index) => index));
      after.close();
    }
  });

  it('a chunk whose bytes were changed is reported with its place', async () => {
    const { path } = await write('damaged.mcap');
    const bytes = readFileSync(path);
    bytes[200_000]! ^= 1;
    writeFileSync(path, bytes);
    const { defects } = verifyRecording(path);
    expect(defects).to.have.length(1);
    expect(defects[0]).to.match(/the chunk at byte \d+: .*checksum/);
  });

  it('a file compressed by zstd has every message in less space, where Node has zstd', async function () {
    if (!HAS_ZSTD) skip(this, `Node ${process.version} has no zstd`);
    const plain = await write('plain.mcap');
    const { path } = await write('small.mcap', true, compressionNamed('zstd'));
    expect(verifyRecording(path)).to.deep.equal({
      status: 'finished',
      messages: MESSAGES,
      defects: [],
      cutBytes: 0,
    });
    const reader = new RecordingReader(path);
    let index = 0;
    for (const { sequence, data } of reader.messages()) {
      expect(sequence).to.equal(index);
      expect(data.equals(payload(index))).to.equal(true);
      index += 1;
    }
    expect(index).to.equal(MESSAGES);
    expect(new Set(reader.summary.chunks.map(({ compression }) => compression))).to.deep.equal(
      new Set(['zstd']),
    );
    reader.close();
    expect(statSync(path).size).to.be.below(statSync(plain.path).size);
    const cut = await write('cut-small.mcap', false, compressionNamed('zstd'));
    expect(describeRecording(cut.path).messages).to.equal(MESSAGES);
    await cut.file.close();
  });

  it('a compression that this Node or these recordings do not have is refused with what to do', () => {
    const refused = (name: string): string => {
      try {
        compressionNamed(name);
        return 'accepted';
      } catch (error) {
        return String(error);
      }
    };
    expect(refused('none')).to.equal('accepted');
    expect(refused('lz4')).to.contain('compress is "lz4"; it must be none or zstd');
    const expected = HAS_ZSTD ? 'accepted' : 'use Node 22.15 or newer, or record without compression';
    expect(refused('zstd')).to.contain(expected);
  });

  it('a message that is larger than a chunk is recorded whole', async () => {
    const path = directory.file('large.mcap');
    const file = await RecordingFile.create(path, { library: 'test', chunkBytes: 1024 });
    const channel = file.addChannel({ topic: 'a', schemaId: 0, messageEncoding: '', metadata: new Map() });
    const large = Buffer.alloc(300_000, 'large');
    for (let index = 0; index < 10; index += 1) await file.write(channel, index, 256 * index, large);
    await file.close();
    const reader = new RecordingReader(path);
    const read = [...reader.messages()];
    expect(read.length).to.equal(10);
    expect(read.every(({ data }) => data.equals(large))).to.equal(true);
    reader.close();
    expect(statSync(path).size).to.be.lessThan(3_010_000);
  });
});
