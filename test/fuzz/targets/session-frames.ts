/**
 * Fuzz target for the frames of sessions: any division of the bytes into chunks gives the same
 * frames or the same error, and no body exceeds the limit. Run by the fuzzer (see all.ts). Pure.
 */
import assert from 'node:assert/strict';
import { decodeCall, encodeCall, encodeResponse } from '../../../protocol/rpc/xml-rpc/codec.js';
import { FrameReader, encodeFrame, type Frame } from '../../../protocol/rpc/xml-rpc/session-framing.js';
import type { FuzzTarget } from '../fuzzer.js';
import { chunksOf } from '../mutation.js';

/** Limit of a body: small, so that mutated lengths exceed it. */
const LIMIT_BYTES = 8 * 1024;
/** The document of one input in so many is decoded. */
const DOCUMENT_ONE_IN = 16;

/** The frames of these chunks, and the reason for which the reader stopped, if it did. */
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
  // Small numbers, and the limit, as lengths and ids.
  dictionary: [
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
    // The target `xml-rpc` covers the documents; this one decodes only few of them. A wrong
    // document throws a MirrorflowError, which the fuzzer counts as a refusal.
    const [first] = whole.frames;
    if (first !== undefined && random() % DOCUMENT_ONE_IN === 0) decodeCall(first.body);
  },
};
