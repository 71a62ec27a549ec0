/**
 * Decides by the times in signed entries whether an entry counts: near its time only, and none that
 * is not newer than one of the same host that came before, also when that was deleted meanwhile. So
 * a server can repeat no entry that it has recorded. Used by the presence where signatures are
 * verified. Pure but for the clock.
 */
import { CLOCK_DIFFERENCE_MS } from '../calls/seen-calls.js';
import { ENTRY_LIFE_MS } from './far-hosts.js';

/** `repeated`: not newer than one that came before. `distant`: its time is not now. */
export type EntryTime = 'new' | 'repeated' | 'distant';

/** An entry is in the bucket for its life. */
const AGE_MAX_MS = ENTRY_LIFE_MS + CLOCK_DIFFERENCE_MS;
/** Keys above which those whose entries are distant by now are removed. */
const KEYS_KEPT = 4_096;

export class EntryTimes {
  readonly #nowMs: () => number;
  /** The newest time of each key. */
  readonly #newest = new Map<string, number>();

  /** `nowMs`: wall-clock time. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  accept(key: string, atMs: number): EntryTime {
    const nowMs = this.#nowMs();
    if (atMs < nowMs - AGE_MAX_MS || atMs > nowMs + CLOCK_DIFFERENCE_MS) return 'distant';
    if (atMs <= (this.#newest.get(key) ?? -Infinity)) return 'repeated';
    this.#newest.set(key, atMs);
    if (this.#newest.size > KEYS_KEPT) this.#forget(nowMs);
    return 'new';
  }

  #forget(nowMs: number): void {
    for (const [key, atMs] of this.#newest) if (atMs < nowMs - AGE_MAX_MS) this.#newest.delete(key);
  }
}
