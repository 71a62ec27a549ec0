/**
 * Reads the body of an HTTP message up to a bound, for the HTTP client and server. Bytes beyond the
 * bound are not kept in memory.
 */
import type { IncomingMessage } from 'node:http';

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
