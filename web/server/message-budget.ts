/**
 * How much work the messages of one page may cause: a budget that each message takes from and that
 * grows with time. A page of mirrorflow stays far below it; a program that sends messages without
 * end is disconnected. `PageSession` has two, of messages and of time to encode frames. Pure: times
 * come in as parameters, monotonic milliseconds.
 */
import type { PageMessage } from '../wire/messages.js';

export interface BudgetLimits {
  readonly perSecond: number;
  /** What may be spent at once. */
  readonly burst: number;
}

/** In units of an acknowledgement. */
export const MESSAGE_BUDGET: BudgetLimits = { perSecond: 2_000, burst: 4_000 };
/** In milliseconds of encoding, of a page that has not signed in. */
export const ENCODING_BUDGET: BudgetLimits = { perSecond: 400, burst: 1_000 };

export class Budget {
  readonly #limits: BudgetLimits;
  #left: number;
  #atMs: number;

  constructor(limits: BudgetLimits, nowMs: number) {
    this.#limits = limits;
    this.#left = limits.burst;
    this.#atMs = nowMs;
  }

  /** False when nothing is left; then nothing is spent. */
  spend(cost: number, nowMs: number): boolean {
    const { perSecond, burst } = this.#limits;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#atMs) / 1_000) * perSecond);
    this.#atMs = nowMs;
    if (this.#left <= 0) return false;
    this.#left -= cost;
    return true;
  }
}

/** What a message costs, in units of MESSAGE_BUDGET. */
export function costOf(message: PageMessage): number {
  switch (message.kind) {
    case 'ack':
      return 1;
    case 'show':
      return 10 + message.subscriptions.length / 8;
    case 'app':
    case 'remember':
    case 'network':
    case 'control':
    case 'moment':
    case 'player':
      return 100;
    default:
      return message satisfies never;
  }
}
