/** A SpecTcl's mirror: headers of its replies, and display memories that hold anything. */
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
import { pieces } from '../mutation.js';

const CHANNEL_BYTES = 4096;
/** Every so many inputs the whole memory is read, and made anew. */
const WHOLE_ONE_IN = 512;

let memory: Buffer | undefined;
let inputs = 0;

function freshMemory(): Buffer {
  const fresh = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
  for (let slot = 0; slot < 8; slot += 1) {
    const fields = {
      name: `s${slot}`,
      type: 5,
      xchans: 16,
      ychans: 1,
      channelOffset: slot * 64,
      xmin: 0,
      xmax: 1,
    } as const;
    writeBinding(fresh, slot, fields);
  }
  return fresh;
}

export const mirrorReplies: FuzzTarget = {
  name: 'mirror-replies',
  words: [
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
    const cut = pieces(input, random).flatMap((piece) => decoder.push(piece));
    assert.deepEqual([cut, decoder.problem], [whole.push(input), whole.problem]);
    readMemory(input, random());
  },
  close: () => (memory = undefined),
};

/** The input is laid over the memory somewhere in the first slots' bindings. */
function readMemory(input: Buffer, where: number): void {
  inputs += 1;
  if (memory === undefined || inputs % WHOLE_ONE_IN === 0) {
    if (memory !== undefined) {
      for (const binding of bindings(memory)) tryChannels(memory, binding.slot);
      assert(usedBytes(memory, CHANNEL_BYTES) <= CHANNEL_BYTES);
      checkHeader(memory, CHANNEL_BYTES);
    }
    memory = freshMemory();
  }
  input.copy(memory, ((where % (DISPLAY_HEADER_BYTES >> 2)) << 2) >>> 0);
  for (let slot = 0; slot < 8; slot += 1) tryChannels(memory, slot);
}

function tryChannels(from: Buffer, slot: number): void {
  const binding = readBinding(from, slot);
  if (binding === undefined) return;
  try {
    const channels = channelsOf(from, binding);
    assert(channels.byteLength <= CHANNEL_BYTES + DISPLAY_HEADER_BYTES);
  } catch (error) {
    if (!isMirrorflowError(error)) throw error;
  }
}
