/**
 * Ranges of stored channels in messages and records, and their check. Used by `subscription.ts`,
 * `page-messages.ts` and `trends.ts`. Pure.
 */

/** Stored channels, `to` not included. */
export type ChannelRange = readonly [from: number, to: number];

const CHANNEL_MAX = 2 ** 32;

export function isRange(value: unknown): value is ChannelRange {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [from, to] = value as readonly unknown[];
  return isIndex(from) && isIndex(to) && from < to;
}

/** Whether a value is a whole number that a channel or an id may have. */
export function isIndex(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < CHANNEL_MAX;
}
