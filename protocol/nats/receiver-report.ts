/**
 * What a receiver of a flow that is published `lossless` reports to the publisher: how far it is,
 * and whether a consumer there needs every buffer. Sent by duplicators, read by the publisher.
 * Pure.
 */
import { describeError } from '../base/errors.js';
import { int, oneOf, string, struct, type TypeOf } from '../rpc/xml-rpc/schema.js';

/** Reports come at least so often; a receiver that is silent for long does not count. */
export const REPORT_INTERVAL_MS = 1_000;
export const REPORT_SILENCE_MS = 30_000;

const report = struct({
  /** Identifies the receiving process. */
  id: string({ pattern: /^[0-9a-f]{32}$/ }),
  epoch: int({ min: 0 }),
  /** Everything below it is there. */
  next: int({ min: 0 }),
  delivery: oneOf(['lossless', 'lossy']),
});
export type ReceiverReport = TypeOf<typeof report>;

export function encodeReport(value: ReceiverReport): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Returns the defect of an invalid report as a text. */
export function decodeReport(bytes: Uint8Array): ReceiverReport | string {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return report.check(value, { method: 'report', root: 'body', path: [], unknownMembers: 'drop' });
  } catch (thrown) {
    return describeError(thrown);
  }
}
