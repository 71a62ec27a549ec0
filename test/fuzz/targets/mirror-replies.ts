/**
 * Fuzz target for SpecTcl's mirror service: headers of replies, requests, and display memories. Run
 * by the fuzzer (see all.ts). Pure.
 */
import assert from 'node:assert/strict';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { checkHeader } from '../../../protocol/spectcl/display-check.js';
import {
  DISPLAY_HEADER_BYTES,
  bindings,
  channelsOf,
  readBinding,
  usedBytes,
} from '../../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../../protocol/spectcl/display-writer.js';
import {
  MIRROR_HEADER_BYTES,
  MirrorRequestDecoder,
  checkReplyHeader,
  decodeMirrorHeader,
  encodeMirrorHeader,
  encodeShmInfo,
} from '../../../protocol/spectcl/mirror-messages.js';
import type { FuzzTarget } from '../fuzzer.js';
import { chunksOf } from '../mutation.js';

const CHANNEL_BYTES = 4096;
/** Slots with a spectrum in a new memory. */
const SLOTS = 8;
/** Number of inputs after which the whole memory is read and then replaced. */
const INPUTS_PER_MEMORY = 512;

let memory: Buffer | undefined;
let inputs = 0;

function newMemory(): Buffer {
  const memory = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const fields = {
      name: `s${slot}`,
      type: 5,
      xchans: 16,
      ychans: 1,
      channelOffset: slot * 64,
      xmin: 0,
      xmax: 1,
    } as const;
    writeBinding(memory, slot, fields);
  }
  return memory;
}

export const mirrorReplies: FuzzTarget = {
  name: 'mirror-replies',
  dictionary: [
    Buffer.from([3, 0, 0, 0]),
    Buffer.from([4, 0, 0, 0]),
    Buffer.from([2, 0, 0, 0]),
    Buffer.from([1, 0, 0, 0]),
  ],
  generate: (random) =>
    random() % 3 === 0
      ? Buffer.from(encodeShmInfo('XA7c'))
      : Buffer.concat([
          encodeMirrorHeader(3 + (random() % 2), random() % (2 * CHANNEL_BYTES)),
          Buffer.alloc(random() % 64, random()),
        ]),
  run: (input, random) => {
    if (input.length >= MIRROR_HEADER_BYTES) {
      const { size, type } = decodeMirrorHeader(input);
      const capacity = random() % (2 * CHANNEL_BYTES);
      const reply = checkReplyHeader(size, type, capacity);
      if (reply.kind !== 'bad') {
        assert(reply.landsAt + reply.bodyBytes <= DISPLAY_HEADER_BYTES + capacity);
        assert(reply.bodyBytes >= 0);
      }
    }
    const decoder = new MirrorRequestDecoder();
    const whole = new MirrorRequestDecoder();
    const requests = chunksOf(input, random).flatMap((chunk) => decoder.push(chunk));
    assert.deepEqual([requests, decoder.problem], [whole.push(input), whole.problem]);
    readMemory(input, random());
  },
  close: () => (memory = undefined),
};

/** Copies the input over the bindings of the memory at a random offset, and reads the bindings. */
function readMemory(input: Buffer, position: number): void {
  inputs += 1;
  if (memory === undefined || inputs % INPUTS_PER_MEMORY === 0) {
    if (memory !== undefined) {
      for (const binding of bindings(memory)) readChannels(memory, binding.slot);
      assert(usedBytes(memory, CHANNEL_BYTES) <= CHANNEL_BYTES);
      checkHeader(memory, CHANNEL_BYTES);
    }
    memory = newMemory();
  }
  input.copy(memory, ((position % (DISPLAY_HEADER_BYTES >> 2)) << 2) >>> 0);
  for (let slot = 0; slot < SLOTS; slot += 1) readChannels(memory, slot);
}

function readChannels(memory: Buffer, slot: number): void {
  const binding = readBinding(memory, slot);
  if (binding === undefined) return;
  try {
    const channels = channelsOf(memory, binding);
    assert(channels.byteLength <= CHANNEL_BYTES + DISPLAY_HEADER_BYTES);
  } catch (error) {
    if (!isMirrorflowError(error)) throw error;
  }
}
