/**
 * Reads the body of an HTTP message up to a bound, and sends one, for the HTTP client and server.
 * Bytes beyond the bound are not kept in memory.
 */
import type { IncomingMessage, OutgoingMessage } from 'node:http';

/** A body up to this size is copied in order to save a write. */
const COPIED_BYTES_MAX = 65_536;

/** Ends a message with this body, a short one together with the headers. */
export function sendBody(message: OutgoingMessage, body: Buffer): void {
  // Node joins headers with a text, not with bytes; latin1 has the same bytes as the body.
  if (body.length <= COPIED_BYTES_MAX) message.end(body.toString('latin1'), 'latin1');
  else message.end(body);
}

/**
 * Resolves with the body, with `too large` if it is longer than `limitBytes`, or with `aborted` if
 * the connection ended before the body. Never rejects.
 */
export function readBody(
  message: IncomingMessage,
  limitBytes: number,
): Promise<Buffer | 'too large' | 'aborted'> {
  if (Number(message.headers['content-length'] ?? 0) > limitBytes) return Promise.resolve('too large');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let received = 0;
    message.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received <= limitBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      message.pause();
      resolve('too large');
    });
    message.on('end', () => resolve(Buffer.concat(chunks)));
    message.on('error', () => resolve('aborted'));
    message.on('close', () => resolve('aborted'));
  });
}
