/**
 * The connection of the broker programs to Redis or NATS, through the client package that users of
 * the broker use: publish to channels and subscribe to them. Opens a socket to the server.
 */
import { connect } from '@nats-io/transport-node';
import { createClient } from '@redis/client';

export type BrokerKind = 'redis' | 'nats';

export interface BrokerSettings {
  readonly kind: BrokerKind;
  /** The path of a Unix socket (Redis), or host and port (NATS). */
  readonly address: string;
  readonly size: number;
  readonly consumers: number;
  /** Buffers that may be published beyond what the slowest subscriber has acknowledged. */
  readonly window: number;
}

/** The channel of the published buffers. */
export const BUFFERS = 'buffers';
/** The channel of acknowledgements: pid and count of a subscriber, by `encodeAcknowledgement`. */
export const ACKNOWLEDGED = 'acknowledged';

export interface Broker {
  /**
   * The payload must stay unchanged until it is delivered. Resolves with the server's reply; NATS
   * sends none, and the result is undefined. A refusal or a lost connection ends the process.
   */
  readonly publish: (channel: string, payload: Buffer) => Promise<unknown> | undefined;
  /** Resolves when the server has the subscription. The listener may keep the payload. */
  readonly subscribe: (channel: string, listener: (payload: Uint8Array) => void) => Promise<void>;
}

export function connectBroker({ kind, address }: BrokerSettings): Promise<Broker> {
  return { redis: connectRedis, nats: connectNats }[kind](address);
}

/** Uses two connections: the package allows a subscribed connection no other command. */
async function connectRedis(path: string): Promise<Broker> {
  const publishing = createClient({
    socket: { path, tls: false, reconnectStrategy: false },
    commandOptions: { timeout: 0 }, // a timer for each message would double its cost
  });
  const subscribing = publishing.duplicate();
  for (const client of [publishing, subscribing]) {
    client.on('error', exitOnError);
    await client.connect();
  }
  return {
    publish: (channel, payload) => publishing.publish(channel, payload),
    subscribe: (channel, listener) => subscribing.subscribe(channel, listener, true),
  };
}

async function connectNats(servers: string): Promise<Broker> {
  const connection = await connect({ servers, reconnect: false });
  void connection
    .closed()
    .then((error) => exitOnError(error ?? new Error('the server has closed the connection')));
  return {
    publish: (channel, payload) => {
      connection.publish(channel, payload);
      return undefined;
    },
    subscribe: async (channel, listener) => {
      connection.subscribe(channel, {
        callback: (error, message) => {
          if (error !== null) exitOnError(error);
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

/** Ends the process: without its server, or with lost messages, there is nothing to measure. */
function exitOnError(error: Error): never {
  process.stderr.write(`broker: ${error.stack ?? error.message}\n`);
  process.exit(1);
}
