/**
 * Fuzz targets for the recovery of flow files of dead owners and of damaged ones: every damage gets
 * a verdict, the quick inspection by a successor agrees with it, and a repaired file is and stays
 * sound. Also for the reports of the recovery program. Run by the fuzzer (see all.ts). Writes files
 * in /dev/shm, which `close` removes.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFile } from '../../../duplicator/recovery/checks.js';
import { imageBeside } from '../../../duplicator/recovery/image-check.js';
import { repair, verify } from '../../../duplicator/recovery/examine.js';
import { inspectDeadFile } from '../../../duplicator/recovery/dead-file.js';
import { reportLines, parseReport } from '../../../protocol/host/recovery/report.js';
import type { RandomBits } from '../../../simulator/random.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { FLOW_FLAGS, HEADER_BYTES, missingWord } from '../../../protocol/flow/flow-file/layout.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import { damageHeader, headerOffset, slotFieldOffset } from '../../protocol/flow/flow-file/damage.js';
import type { FuzzTarget } from '../fuzzer.js';

const SLOTS = 4;
const PAYLOAD_BYTES = 64;
/** Files and mappings take the time: only one input in so many is written to a file. */
const FILE_ONE_IN = 256;
/** No process has this id. */
const DEAD_PID = 2 ** 22 + 1;
/** Words of the header that may be damaged without changing the layout or owner of the file. */
const RING_WORDS = (
  ['epoch', 'published', 'granted', 'sourceState', 'imageGeneration', 'imageApplied'] as const
).map(headerOffset);

interface Fixture {
  readonly directory: string;
  readonly path: string;
  /** The bytes of a sound file of a dead owner. */
  readonly sound: Buffer;
  /** A copy of the file in the memory of this process. */
  readonly memory: FlowFile;
}

let cachedFixture: Fixture | undefined;
let inputs = 0;

function fixture(): Fixture {
  if (cachedFixture !== undefined) return cachedFixture;
  const directory = mkdtempSync('/dev/shm/mirrorflow-test-');
  const path = join(directory, 'f.flow');
  const identity = { application: 'a', flow: 'f', type: 'bytes', properties: {} };
  const shape = { slotCount: SLOTS, payloadCapacity: PAYLOAD_BYTES, flags: 0, epoch: 7, mode: 0o600 };
  const file = createFlowFile({ path, identity, ...shape });
  const writer = new RingWriter(file);
  for (let count = 0; count < SLOTS + 2; count += 1) {
    writer.begin().fill(count);
    writer.commit(PAYLOAD_BYTES - count, 0);
  }
  writer.publish();
  file.granted = file.published + 2;
  file.claimed = file.granted;
  damageHeader(file, 'ownerPid', DEAD_PID);
  const sound = Buffer.from(file.bytes);
  const owner = { ...file.owner, pid: DEAD_PID };
  writeFileSync(imageBeside(path), Buffer.alloc(PAYLOAD_BYTES));
  const memory = new FlowFile(path, Buffer.from(sound), file.geometry, identity, owner, 0);
  cachedFixture = { directory, path, sound, memory };
  return cachedFixture;
}

function close(): void {
  if (cachedFixture !== undefined) rmSync(cachedFixture.directory, { recursive: true });
  cachedFixture = undefined;
}

/** Applies an input: entries of a u16, the index of a word of header or ring, and its new value. */
function damage(bytes: Buffer, input: Buffer): void {
  const words = RING_WORDS.length + (bytes.length - HEADER_BYTES) / 8;
  for (let entry = 0; entry + 10 <= input.length; entry += 10) {
    const word = input.readUInt16LE(entry) % words;
    const offset = RING_WORDS[word] ?? HEADER_BYTES + (word - RING_WORDS.length) * 8;
    input.copy(bytes, offset, entry + 2, entry + 10);
  }
}

/** Damage similar to that by a writer that dies: sequences, sizes and counts a little wrong. */
function generateDamage(random: RandomBits): Buffer {
  const { memory } = fixture();
  const words = Array.from({ length: 1 + (random() % 4) }, () => {
    const word = Buffer.alloc(10);
    const stride = memory.geometry.slotStride / 8;
    const slot =
      RING_WORDS.length + (random() % SLOTS) * stride + (random() % 2) * (slotFieldOffset('size') / 8);
    word.writeUInt16LE(random() % 2 === 0 ? random() % RING_WORDS.length : slot, 0);
    word.writeBigUInt64LE(BigInt(random() % 4 === 0 ? missingWord((random() % 12) - 1) : random() % 12), 2);
    return word;
  });
  return Buffer.concat(words);
}

export const recovery: FuzzTarget = {
  name: 'recovery',
  dictionary: [Buffer.alloc(8, 0xff), Buffer.alloc(8), Buffer.from([6, 0, 0, 0, 0, 0, 0, 0])],
  generate: generateDamage,
  run: (input) => {
    const { sound, memory, path } = fixture();
    inputs += 1;
    const bytes = memory.bytes;
    sound.copy(bytes);
    damage(bytes, input);
    if (inputs % FILE_ONE_IN === 0) {
      // Every other file is that of a mirror, with an image.
      if (inputs % (2 * FILE_ONE_IN) === 0)
        bytes.writeUInt32LE(FLOW_FLAGS.mirror | FLOW_FLAGS.remote, headerOffset('flags'));
      writeFileSync(path, bytes);
      const before = verify(path).verdict;
      assert.equal(inspectDeadFile(path) !== undefined, before === 'sound');
      const { verdict } = repair(path);
      assert.equal(verdict, before === 'repairable' ? 'repaired' : before);
      assert(verdict === 'replace' || verify(path).verdict === 'sound');
      return;
    }
    const mirror = input.length % 2 === 0;
    const file = mirror
      ? new FlowFile(path, bytes, memory.geometry, memory.identity, memory.owner, FLOW_FLAGS.mirror)
      : memory;
    const checks = checkFile(file);
    assert(checks.length > 0);
    if (checks.some(({ state }) => state === 'unsound')) return;
    for (const { state, repair } of checks) {
      assert.equal(state === 'repairable', repair !== undefined);
      repair?.();
    }
    const after = checkFile(file);
    // The credit is compared with the published count, so that its repair may reveal a wrong
    // credit.
    for (const { check, state, text } of after)
      assert(state === 'sound' || (check === 'credit' && state === 'unsound'), text);
  },
  close,
};

export const recoveryReports: FuzzTarget = {
  name: 'recovery-reports',
  dictionary: [
    '"verdict":',
    '"sound"',
    '"findings":',
    '[',
    ']',
    '{',
    '}',
    'null',
    '"flow":',
    '"epoch":',
    '"owner":',
    '1e999',
  ],
  generate: (random) => {
    const verdicts = ['sound', 'repaired', 'replace', 'owned', 'missing', 'toString'];
    const flow = { application: 'a', flow: 'f', type: 'bytes', epoch: random(), published: 1 };
    return Buffer.from(
      JSON.stringify({
        file: '/f',
        verdict: verdicts[random() % verdicts.length],
        ...(random() % 2 === 0 ? { flow } : {}),
        ...(random() % 2 === 0 ? { owner: { pid: 1, alive: false } } : {}),
        findings: Array.from({ length: random() % 3 }, () => ({ check: 'state', state: 'sound', text: 't' })),
      }),
    );
  },
  run: (input) => {
    const report = parseReport(input.toString());
    if (report !== undefined) assert(reportLines(report).length > 0);
  },
};
