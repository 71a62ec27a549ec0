/**
 * What reaches a client of its own accord: messages of other clients, flow-control marks, and
 * requests.
 */
import {
  any,
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

/** What a message type may be called; classes of several programs meet under it. */
export const MESSAGE_TYPE = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

export const message = struct({
  type: string({
    pattern: MESSAGE_TYPE,
    doc: 'the message type, 1 to 64 letters, digits, ".", "_", "-", beginning with a letter',
  }),
  attributes: mapOf(any()),
});

/** Exactly one member. */
export const messageTarget = struct({
  client: optional(name('client')),
  application: optional(boolean()),
  provider: optional(name('flow')),
});

const buffers = (doc: string) => int({ min: 0, doc });

export const flowMark = struct({
  kind: oneOf(['xoff', 'xon']),
  mark: buffers('the mark that was reached, buffers; 0 with xon also when the consumer has gone'),
  total: buffers('buffers of the history'),
  fill: buffers('filled buffers of the history when it was noticed'),
});

/** A mark and whose it is. */
export const consumerMark = struct({ consumer: name('client'), mark: flowMark });

/**
 * `message`: from, message. `flowControl`: flow, from (the consumer), mark. `demoted`: flow, from
 * (the consumer that became lossy). `quit`: nothing else.
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
export type FlowMark = TypeOf<typeof flowMark>;
export type ConsumerMark = TypeOf<typeof consumerMark>;
export type Delivery = TypeOf<typeof delivery>;

/** What a value of some kind costs in memory besides its own bytes, roughly. */
const VALUE_BYTES = 16;

/** About how many bytes a value takes while it waits somewhere; for bounds, not for accounts. */
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
