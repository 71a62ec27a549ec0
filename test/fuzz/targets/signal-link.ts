/**
 * Fuzz target for the bytes of the signal link (the connection between a client and its
 * duplicator): any division into chunks gives the same messages or the same problem. Run by
 * the fuzzer (see all.ts). Pure.
 */
import assert from 'node:assert/strict';
import type { RandomBits } from '../../../simulator/random.js';
import { MessageDecoder } from '../../../protocol/flow/signal-link/framing.js';
import {
  encodeMessage,
  LAST_KIND,
  MESSAGE_BYTES,
  unpackHello,
  type MessageKind,
} from '../../../protocol/flow/signal-link/messages.js';
import type { FuzzTarget } from '../fuzzer.js';
import { chunksOf } from '../mutation.js';

export function randomMessages(random: RandomBits): Buffer {
  const count = 1 + (random() % 12);
  const bytes = Buffer.alloc(count * MESSAGE_BYTES);
  for (let index = 0; index < count; index += 1) {
    const kind = (1 + (random() % LAST_KIND)) as MessageKind;
    const value = random() % 4 === 0 ? Number.MAX_SAFE_INTEGER - (random() % 2) : random() % 64;
    const detail = random() % 3 === 0 ? random() : random() % 4;
    encodeMessage(bytes, index * MESSAGE_BYTES, kind, value, detail);
  }
  return bytes;
}

function decode(chunks: readonly Buffer[], internal: boolean): unknown {
  const messages: number[][] = [];
  const decoder = new MessageDecoder((...message) => messages.push(message), internal);
  for (const chunk of chunks) decoder.push(chunk);
  return { messages, problem: decoder.problem };
}

export const signalLink: FuzzTarget = {
  name: 'signal-link',
  dictionary: [Buffer.from([1, 0, 0, 0]), Buffer.from([0, 0, 0, 1]), Buffer.alloc(8, 0xff)],
  generate: randomMessages,
  run: (input, random) => {
    const internal = random() % 2 === 0;
    assert.deepEqual(decode(chunksOf(input, random), internal), decode([input], internal));
    if (input.length >= 4) unpackHello(input.readUInt32LE(0));
  },
};
