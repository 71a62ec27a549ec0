/**
 * The codes with which a duplicator refuses a client of its signal link, and when. Its link clients
 * send no other code; `number-tables.ts` makes the table of docs/numbers.md from it. Pure.
 */
import type { ErrorCode } from '../../base/errors.js';

export const LINK_REFUSALS = {
  BAD_MESSAGE: 'a message that is malformed, out of turn, or acknowledges what was not published',
  VERSION_MISMATCH: 'HELLO of another version',
  REFUSED: 'a provider for a flow that a source fills',
  NOT_PERMITTED: 'a provider on the socket for consumers',
  FLOW_BUSY: 'a provider for a flow that has one; may pass within a second, when that one has just ended',
} as const satisfies Partial<Record<ErrorCode, string>>;

export type LinkRefusal = keyof typeof LINK_REFUSALS;
