/**
 * A program's connection to a message broker, Redis or NATS, through the client that its users use:
 * publish to and hear channels.
 */
import { connect } from '@nats-io/transport-node';
import { createClient } from '@redis/client';

export type BrokerKind = 'redis' | 'nats';

export interface BrokerSettings {
  readonly kind: BrokerKind;
  /** Where the server listens: a path of a Unix socket (Redis), or host and port (NATS). */
  readonly address: string;
  readonly size: number;
  readonly consumers: number;
  /** Buffers that may be published beyond what the slowest subscriber has acknowledged. */
  readonly window: number;
}

/**
 * What is published, and how far each subscriber has come: its pid and its count, as
 * `encodeAcknowledgement` writes them.
 */
export const BUFFERS = 'buffers';
export const ACKNOWLEDGED = 'acknowledged';

export interface Broker {
  /**
   * The payload must stay as it is until it is delivered. Resolves when the server has taken it,
   * where servers say so (Redis). A server that refuses it, and a connection that is lost, end the
   * process.
   */
  readonly publish: (channel: string, payload: Buffer) => Promise<unknown> | undefined;
  /** Resolves when the server knows of it. The payload is the listener's own. */
  readonly subscribe: (channel: string, listener: (payload: Uint8Array) => void) => Promise<void>;
}

export function connectBroker({ kind, address }: BrokerSettings): Promise<Broker> {
  return { redis: connectRedis, nats: connectNats }[kind](address);
}

/** A connection that hears does nothing else, as the package asks for: another one publishes. */
async function connectRedis(path: string): Promise<Broker> {
  const publishing = createClient({
    socket: { path, tls: false, reconnectStrategy: false },
    commandOptions: { timeout: 0 }, // a timer for every message would be half of what it costs
  });
  const hearing = publishing.duplicate();
  for (const client of [publishing, hearing]) {
    client.on('error', fail);
    await client.connect();
  }
  return {
    publish: (channel, payload) => publishing.publish(channel, payload),
    subscribe: (channel, listener) => hearing.subscribe(channel, listener, true),
  };
}

async function connectNats(servers: string): Promise<Broker> {
  const connection = await connect({ servers, reconnect: false });
  void connection.closed().then((error) => fail(error ?? new Error('the server has closed the connection')));
  return {
    publish: (channel, payload) => {
      connection.publish(channel, payload);
      return undefined;
    },
    subscribe: async (channel, listener) => {
      connection.subscribe(channel, {
        callback: (error, message) => {
          if (error !== null) fail(error);
          listener(message.data);
        },
      });
      await connection.flush();
    },
  };
}

export function encodeAcknowledgement(subscriber: number, buffers: number): Buffer {
  return Buffer.from(`${subscriber} ${buffers}`, 'latin1');
}

export function decodeAcknowledgement(payload: Uint8Array): { subscriber: number; buffers: number } {
  const [subscriber, buffers] = Buffer.from(payload).toString('latin1').split(' ').map(Number);
  return { subscriber: subscriber ?? 0, buffers: buffers ?? 0 };
}

/** Without its server, or with messages lost on the way to it, a program has nothing to measure. */
function fail(error: Error): never {
  process.stderr.write(`broker: ${error.stack ?? error.message}\n`);
  process.exit(1);
}
