/**
 * Fuzz targets for damaged flow files: opening one reports the damage, and a reader of a mapped one
 * works with any values of its words. Run by the fuzzer (see all.ts). Writes files in /dev/shm,
 * which `close` removes.
 */
import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import { HEADER, HEADER_BYTES } from '../../../protocol/flow/flow-file/layout.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { checkHeader } from '../../../protocol/flow/flow-file/header.js';
import { decodeIdentity } from '../../../protocol/flow/flow-file/identity.js';
import { inspectFlowFile, openFlowFile } from '../../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../../protocol/flow/flow-file/ring-reader.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import type { FuzzTarget } from '../fuzzer.js';

const SLOTS = 4;
const PAYLOAD_BYTES = 100;
/** Files and mappings take the time: only one input in so many is written to a file. */
const FILE_ONE_IN = 128;
/** Reads of one damaged ring. */
const READS = 16;

/** A valid flow file and a file for its damaged copies, shared by all inputs. */
class Fixture {
  readonly directory = mkdtempSync('/dev/shm/mirrorflow-test-');
  readonly file: FlowFile;
  readonly target = join(this.directory, 'damaged.flow');
  readonly fd: number;
  /** The bytes of the valid file. */
  readonly sound: Buffer;

  constructor() {
    const path = join(this.directory, 'sound.flow');
    const identity = { application: 'a', flow: 'f', type: 'bytes', properties: { some: 'thing' } };
    this.file = createFlowFile({
      path,
      identity,
      slotCount: SLOTS,
      payloadCapacity: PAYLOAD_BYTES,
      flags: 0,
      epoch: 7,
      mode: 0o600,
    });
    const writer = new RingWriter(this.file);
    for (let count = 0; count < SLOTS + 2; count += 1) {
      writer.begin().fill(count);
      writer.commit(PAYLOAD_BYTES - count, 0);
    }
    writer.publish();
    this.sound = Buffer.alloc(this.file.geometry.fileBytes);
    const fd = openSync(path, 'r');
    readSync(fd, this.sound, 0, this.sound.length, 0);
    closeSync(fd);
    this.fd = openSync(this.target, 'w+');
  }

  close(): void {
    closeSync(this.fd);
    rmSync(this.directory, { recursive: true });
  }
}

let cachedFixture: Fixture | undefined;
let inputs = 0;

function fixture(): Fixture {
  cachedFixture ??= new Fixture();
  return cachedFixture;
}

function close(): void {
  cachedFixture?.close();
  cachedFixture = undefined;
}

export const flowFileHeaders: FuzzTarget = {
  name: 'flow-file-headers',
  dictionary: [
    'MIRRFLOW',
    '{"application":"a"',
    '"flow":',
    '"bootId":',
    Buffer.from([2, 0, 0, 0]),
    Buffer.from([0, 0x20, 0, 0]),
  ],
  generate: () => Buffer.from(fixture().sound),
  run: (input) => {
    const { fd, target, sound } = fixture();
    inputs += 1;
    if (inputs % FILE_ONE_IN === 0) {
      ftruncateSync(fd, Math.min(input.length, 2 * sound.length));
      writeSync(fd, input.subarray(0, 2 * sound.length), 0, undefined, 0);
      inspectFlowFile(target);
      openFlowFile(target, 'read');
      return;
    }
    decodeIdentity(input.subarray(0, 3000));
    if (input.length < HEADER_BYTES) return;
    const { geometry } = checkHeader(input.subarray(0, HEADER_BYTES), input.length, target);
    assert(geometry.fileBytes <= input.length);
  },
  close,
};

/** The input is `epoch`, `published` and the bytes of the ring after the header. */
export const ringReading: FuzzTarget = {
  name: 'ring-reading',
  dictionary: [
    Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.alloc(8, 0xff),
    Buffer.from([0xff, 0xff, 0xff, 0x7f]),
  ],
  generate: () =>
    Buffer.concat([
      fixture().sound.subarray(HEADER.epoch, HEADER.epoch + 8),
      fixture().sound.subarray(HEADER.published, HEADER.published + 8),
      fixture().sound.subarray(HEADER_BYTES),
    ]),
  run: (input, random) => {
    const { file, sound } = fixture();
    sound.copy(file.bytes);
    const reader = new RingReader(file, ['oldest', 'newest', 'next'][random() % 3] as 'oldest');
    input.subarray(0, 8).copy(file.bytes, HEADER.epoch);
    input.subarray(8, 16).copy(file.bytes, HEADER.published);
    input.subarray(16).copy(file.bytes, HEADER_BYTES);
    const target = Buffer.alloc(PAYLOAD_BYTES);
    for (let count = 0; count < READS; count += 1) {
      const outcome = random() % 2 === 0 ? reader.copy(target) : reader.peek();
      if (outcome === 'ready') {
        assert(reader.size <= PAYLOAD_BYTES && reader.view().length <= PAYLOAD_BYTES);
        reader.advance();
      } else if (outcome === 'restarted') {
        reader.enterEpoch('oldest');
      }
    }
  },
  close,
};
