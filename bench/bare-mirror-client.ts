/**
 * The peer of `spectcl`: a bare TCP client of the mirror protocol that asks back to back and throws
 * the bytes away.
 */
import { connect } from 'node:net';
import {
  decodeMirrorHeader,
  encodeRequestUpdate,
  MIRROR_HEADER_BYTES,
} from '../protocol/spectcl/mirror-messages.js';

/** Updates per second over `forMs`, each received whole into one buffer that is never looked at. */
export async function bareUpdatesPerSecond(port: number, capacity: number, forMs: number): Promise<number> {
  const sink = Buffer.alloc(capacity + 6_000_000);
  const header = Buffer.alloc(MIRROR_HEADER_BYTES);
  let inHeader = 0;
  let body = -1;
  let updates = 0;
  let began = 0;
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      updates += 1;
      body = -1;
      const now = performance.now();
      if (updates === 1) began = now; // the first is FULL
      if (now - began >= forMs) {
        socket.destroy();
        resolve(((updates - 1) / (now - began)) * 1000);
        return;
      }
      socket.write(encodeRequestUpdate());
    };
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: () => (body < 0 ? header.subarray(inHeader) : sink.subarray(0, body)),
        callback: (bytes) => {
          if (body < 0) {
            inHeader += bytes;
            if (inHeader === MIRROR_HEADER_BYTES) {
              inHeader = 0;
              body = decodeMirrorHeader(header).size - MIRROR_HEADER_BYTES;
              if (body === 0) finish();
            }
          } else {
            body -= bytes;
            if (body === 0) finish();
          }
          return true;
        },
      },
    });
    socket.once('error', reject);
    socket.once('connect', () => socket.write(encodeRequestUpdate()));
  });
}
