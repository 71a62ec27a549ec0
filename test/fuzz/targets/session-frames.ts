/**
 * Fuzz target for the frames of sessions: any division of the bytes into chunks gives the same
 * frames or the same error, and no body exceeds the limit.
 */
import assert from 'node:assert/strict';
import { decodeCall, encodeCall, encodeResponse } from '../../../protocol/rpc/xml-rpc/codec.js';
import { FrameReader, encodeFrame, type Frame } from '../../../protocol/rpc/xml-rpc/session-framing.js';
import type { FuzzTarget } from '../fuzzer.js';
import { chunksOf } from '../mutation.js';

const LIMIT_BYTES = 8 * 1024;
const DOCUMENT_ONE_IN = 16;

function readFrames(chunks: readonly Buffer[]): {
  readonly frames: Frame[];
  readonly error: string | undefined;
} {
  const reader = new FrameReader(LIMIT_BYTES);
  const frames = chunks.flatMap((chunk) =>
    reader.push(chunk).map(({ kind, callId, body }) => ({ kind, callId, body: Buffer.from(body) })),
  );
  return { frames, error: reader.error?.message };
}

export const sessionFrames: FuzzTarget = {
  name: 'session-frames',
  words: [
    Buffer.from([0, 0, 0, 0]),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from([2, 0, 0, 0]),
    Buffer.from([0, 0x20, 0, 0]),
  ],
  generate: (random) =>
    Buffer.concat(
      Array.from({ length: 1 + (random() % 4) }, () =>
        random() % 2 === 0
          ? encodeFrame('call', random(), encodeCall('host.info', []))
          : encodeFrame('response', random(), encodeResponse('x'.repeat(random() % 200))),
      ),
    ),
  run: (input, random) => {
    const whole = readFrames([input]);
    assert.deepEqual(readFrames(chunksOf(input, random)), whole);
    for (const { body } of whole.frames) assert(body.length > 0 && body.length <= LIMIT_BYTES);
    // The target `xml-rpc` covers the documents; this one decodes only few of them.
    const [first] = whole.frames;
    if (first !== undefined && random() % DOCUMENT_ONE_IN === 0) decodeCall(first.body);
  },
};
