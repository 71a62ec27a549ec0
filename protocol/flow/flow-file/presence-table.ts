/**
 * The presence table in a flow file's header: which processes have the flow's lossless consumers,
 * so that the successor of a killed duplicator can see which of those processes still live. Written
 * by the duplicator that owns the file, read by its successor (`duplicator/recovery`). Pure memory
 * access, no system calls.
 *
 * An entry is a process id (0: the entry is free) and the low 32 bits of the process's start time
 * in ticks, which distinguish the process from a later one with the same id.
 */
import type { OwnerIdentity } from '../../base/owner-identity.js';
import { HEADER, PRESENCE } from './layout.js';
import type { Words } from './words.js';

const LOW_32_BITS = 0xffff_ffffn;

export class PresenceTable {
  readonly #words: Words;

  constructor(words: Words) {
    this.#words = words;
  }

  /** Process id of an entry, 0 to PRESENCE_CAPACITY - 1; 0 when the entry is free. */
  pidOf(entry: number): number {
    return this.#words.load32(offsetOf(entry) + PRESENCE.pid);
  }

  /** Whether the entry names this very process, not an earlier one with the same id. */
  isOf(entry: number, process: OwnerIdentity): boolean {
    const ticks = this.#words.load32(offsetOf(entry) + PRESENCE.startTicks);
    return this.pidOf(entry) === process.pid && ticks === lowTicks(process);
  }

  /** Owner only. Stores the start time first: the process id makes the entry valid. */
  set(entry: number, process: OwnerIdentity): void {
    this.#words.store32(offsetOf(entry) + PRESENCE.startTicks, lowTicks(process));
    this.#words.store32(offsetOf(entry) + PRESENCE.pid, process.pid);
  }

  /** Owner only. */
  clear(entry: number): void {
    this.#words.store32(offsetOf(entry) + PRESENCE.pid, 0);
  }
}

function offsetOf(entry: number): number {
  return HEADER.presence + entry * PRESENCE.bytes;
}

function lowTicks({ startTicks }: OwnerIdentity): number {
  return Number(startTicks & LOW_32_BITS);
}
