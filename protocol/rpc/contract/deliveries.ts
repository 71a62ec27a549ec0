/**
 * Schemas of deliveries: what an app server sends to a client without a call of the client, namely
 * messages of other clients, flow-control marks and requests to quit. Also estimates the size of
 * queued values. Pure; used by the contract, the app server and the client library.
 */
import {
  any,
  arrayOf,
  boolean,
  int,
  mapOf,
  name,
  oneOf,
  optional,
  string,
  struct,
  type TypeOf,
} from '../xml-rpc/schema.js';
import type { RpcValue } from '../xml-rpc/values.js';

/** Names of message types, by which the classes of different programs are matched. */
export const MESSAGE_TYPE = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

export const message = struct({
  type: string({
    pattern: MESSAGE_TYPE,
    doc: 'the message type, 1 to 64 letters, digits, ".", "_", "-", beginning with a letter',
  }),
  attributes: mapOf(any()),
});

/** The receivers of a message; exactly one member is set. */
export const messageTarget = struct({
  client: optional(name('client')),
  application: optional(boolean()),
  provider: optional(name('flow')),
});

/** A client that was to get a message, on the host of the sender unless one is named. */
const recipient = {
  client: name('client'),
  host: optional(name('host')),
};

/**
 * Who has queued a message, and who has not. A member of `missed` without a client stands for a
 * whole host whose app server did not answer.
 */
export const sendResult = struct({
  received: arrayOf(struct(recipient)),
  missed: arrayOf(
    struct({
      ...recipient,
      client: optional(name('client')),
      code: string({ maxCharacters: 40, doc: 'the name of an error code' }),
      message: string(),
    }),
  ),
});

const buffers = (doc: string) => int({ min: 0, doc });

export const flowMark = struct({
  kind: oneOf(['xoff', 'xon']),
  mark: buffers('the mark that was reached, in buffers; 0 with xon also when the consumer has disconnected'),
  total: buffers('size of the history, in buffers'),
  fill: buffers('filled buffers of the history when the mark was reached'),
});

/** A mark and the consumer that reached it. */
export const consumerMark = struct({ consumer: name('client'), mark: flowMark });

/**
 * Members by kind. `message`: from, message. `flowControl`: flow, from (the consumer), mark.
 * `demoted`: flow, from (the consumer that became lossy). `quit`: none.
 */
export const delivery = struct({
  kind: oneOf(['message', 'flowControl', 'demoted', 'quit']),
  from: optional(name('client')),
  message: optional(message),
  flow: optional(name('flow')),
  mark: optional(flowMark),
});

export type MessageOnWire = TypeOf<typeof message>;
export type MessageTarget = TypeOf<typeof messageTarget>;
/** Who has received a message, and who has not. */
export type SendResult = TypeOf<typeof sendResult>;
export type FlowMark = TypeOf<typeof flowMark>;
export type ConsumerMark = TypeOf<typeof consumerMark>;
export type Delivery = TypeOf<typeof delivery>;

/** Approximate memory of a value besides its contents. */
const VALUE_BYTES = 16;

/** The approximate memory of a value, to bound the size of queues. */
export function bytesOfValue(value: RpcValue | undefined): number {
  if (typeof value === 'string') return VALUE_BYTES + 2 * value.length;
  if (value instanceof Uint8Array) return VALUE_BYTES + value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + bytesOfValue(item), VALUE_BYTES);
  if (typeof value !== 'object' || value instanceof Date) return VALUE_BYTES;
  return Object.entries(value).reduce(
    (sum, [key, member]) => sum + 2 * key.length + bytesOfValue(member),
    VALUE_BYTES,
  );
}
