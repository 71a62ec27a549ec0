/**
 * Where the stream of a site is, and single messages of it. Called by publishers and receivers.
 * Sends requests on the connection that it is given.
 */
import type { NatsConnection } from '@nats-io/transport-node';

export interface StreamPlace {
  readonly connection: NatsConnection;
  /** `$JS.API`, or that of a JetStream domain. */
  readonly apiPrefix: string;
  readonly stream: string;
}

export interface StoredMessage {
  readonly payload: Buffer;
  readonly streamSequence: number;
  /** Nats-Msg-Id; empty for a message without one. */
  readonly id: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly storedMs: number;
}

export const REQUEST_TIMEOUT_MS = 5_000;

export function apiPrefix(domain: string | undefined): string {
  return domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
}

/**
 * The newest stored message of a subject; undefined when there is none. Rejects without a stream.
 */
export async function lastStored(
  { connection, apiPrefix, stream }: StreamPlace,
  subject: string,
): Promise<StoredMessage | undefined> {
  const answer = await connection.request(`${apiPrefix}.DIRECT.GET.${stream}.${subject}`, undefined, {
    timeout: REQUEST_TIMEOUT_MS,
  });
  const { headers, data } = answer;
  if (headers === undefined || headers.code !== 0) return undefined;
  return {
    payload: asBuffer(data),
    streamSequence: Number(headers.get('Nats-Sequence')),
    id: headers.get('Nats-Msg-Id'),
    storedMs: Date.parse(headers.get('Nats-Time-Stamp')),
  };
}

/** A view, no copy. */
export function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
