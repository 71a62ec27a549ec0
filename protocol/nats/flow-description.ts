/**
 * The description of a published flow: its identity, the state of its source, and how it is
 * published.
 * Content of the parcels with the bit DESCRIPTION; decoded by receivers. Pure.
 */
import { describeError } from '../base/errors.js';
import { decodeWelcome, type WireWelcome } from '../flow/wire/handshake-messages.js';
import { oneOf, struct, type TypeOf } from '../rpc/xml-rpc/schema.js';
import { WAN_MODES } from './options.js';

export type WanMode = (typeof WAN_MODES)[number];

/**
 * Interval of descriptions while nothing changes, and the silence after which a receiver reports
 * the source stale.
 */
export const DESCRIPTION_INTERVAL_MS = 2_000;
export const DESCRIPTION_SILENCE_MS = 10_000;

const head = struct({ wan: oneOf(WAN_MODES) });

export interface FlowDescription extends TypeOf<typeof head> {
  readonly flow: WireWelcome;
}

export function encodeDescription(description: FlowDescription): Buffer {
  return Buffer.from(JSON.stringify(description));
}

/** Returns the defect of invalid content as a text. */
export function decodeDescription(content: Buffer): FlowDescription | string {
  try {
    const value = JSON.parse(content.toString('utf8')) as { readonly flow?: unknown } | null;
    const { wan } = head.check(value, {
      method: 'description',
      root: 'body',
      path: [],
      unknownMembers: 'drop',
    });
    const flow = decodeWelcome(Buffer.from(JSON.stringify(value?.flow ?? null)));
    return typeof flow === 'string' ? flow : { wan, flow };
  } catch (thrown) {
    return describeError(thrown);
  }
}
