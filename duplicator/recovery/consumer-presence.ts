/**
 * The processes of a flow's lossless consumers, kept in its file for the case that this duplicator
 * is killed: its successor takes the file over and waits for the consumers that live. Consumers
 * without an entry (the table is full, or the process id is unknown) are expected in any case. Used
 * by ReattachmentTracker and, before a take-over, obtain-file.ts. Writes the presence table of the
 * flow file and reads process states from /proc.
 *
 * An entry is set after its consumer was counted in the file and cleared before the count shrinks:
 * whenever the duplicator is killed, its successor expects too many consumers rather than too few.
 *
 * | entry    | event                                       | next     |
 * | -------- | ------------------------------------------- | -------- |
 * | free     | enter()                                     | taken    |
 * | expected | enter() of that process, which resumes      | taken    |
 * | taken    | leave() of a consumer that may reattach     | expected |
 * | taken    | leave()                                     | free     |
 * | expected | update(), the process is dead               | free     |
 * | expected | clearExpected()                             | free     |
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { PRESENCE_CAPACITY } from '../../protocol/flow/flow-file/layout.js';
import {
  identityOfProcess,
  stateOf,
  type OwnerIdentity,
  type ProcessState,
} from '../../protocol/base/owner-identity.js';

/** What the table has of one consumer. */
export interface PresenceEntry {
  /** Index in the table; undefined for a consumer without an entry. */
  readonly entry: number | undefined;
  /** The consumer was expected after a take-over and has reattached. */
  readonly reattached: boolean;
  /** Undefined where the process id is unknown. */
  readonly process: OwnerIdentity | undefined;
}

export class ConsumerPresence {
  readonly #file: FlowFile;
  readonly #free: number[] = [];
  /** Entries of consumers that have not reattached yet. */
  readonly #expected = new Set<number>();
  /** Number of expected consumers without an entry. */
  #expectedUnknown: number;

  /**
   * `expected`: consumers of the dead predecessor on this host; 0 for a new file, which clears the
   * table.
   */
  constructor(file: FlowFile, expected: number) {
    this.#file = file;
    for (let entry = PRESENCE_CAPACITY - 1; entry >= 0; entry -= 1) {
      if (expected > 0 && this.#file.presence.pidOf(entry) !== 0) this.#expected.add(entry);
      else this.#clear(entry);
    }
    this.#expectedUnknown = Math.max(0, expected - this.#expected.size);
  }

  /**
   * A lossless consumer was counted. `pid`: of its process, 0 where it is unknown; `resumes`: the
   * consumer read this epoch of the flow before.
   */
  enter(pid: number, resumes: boolean): PresenceEntry {
    const process = pid === 0 ? undefined : identityOfProcess(pid);
    if (resumes) {
      for (const entry of this.#expected) {
        if (process === undefined || !this.#file.presence.isOf(entry, process)) continue;
        this.#expected.delete(entry);
        return { entry, reattached: true, process };
      }
    }
    const reattached = resumes && this.#expectedUnknown > 0;
    if (reattached) this.#expectedUnknown -= 1;
    const entry = process === undefined ? undefined : this.#free.pop();
    if (entry !== undefined && process !== undefined) this.#file.presence.set(entry, process);
    return { entry, reattached, process };
  }

  /**
   * The consumer disconnected; called before the count shrinks. `mayReattach`: it is expected
   * again.
   */
  leave({ entry }: PresenceEntry, mayReattach: boolean): void {
    if (mayReattach && entry !== undefined) this.#expected.add(entry);
    else if (mayReattach) this.#expectedUnknown += 1;
    else if (entry !== undefined) this.#clear(entry);
  }

  /**
   * Clears the entries of expected consumers whose process is dead; called before the file's
   * number of expected consumers shrinks. Returns how many are still expected, and the process ids
   * of the stopped ones among them.
   */
  update(): { readonly expected: number; readonly stopped: readonly number[] } {
    const stopped: number[] = [];
    for (const entry of this.#expected) {
      const state = stateOfEntry(this.#file, entry);
      if (state === 'stopped') stopped.push(this.#file.presence.pidOf(entry));
      if (state !== 'dead') continue;
      this.#expected.delete(entry);
      this.#clear(entry);
    }
    return { expected: this.#expected.size + this.#expectedUnknown, stopped };
  }

  /** No consumer is expected any more. */
  clearExpected(): void {
    for (const entry of this.#expected) this.#clear(entry);
    this.#expected.clear();
    this.#expectedUnknown = 0;
  }

  #clear(entry: number): void {
    if (this.#file.presence.pidOf(entry) !== 0) this.#file.presence.clear(entry);
    this.#free.push(entry);
  }
}

/** Entries of dead processes, in the file of a dead owner. */
export function deadEntries(file: FlowFile): number[] {
  const dead: number[] = [];
  for (let entry = 0; entry < PRESENCE_CAPACITY; entry += 1) {
    if (file.presence.pidOf(entry) === 0) continue;
    if (stateOfEntry(file, entry) === 'dead') dead.push(entry);
  }
  return dead;
}

function stateOfEntry({ presence }: FlowFile, entry: number): ProcessState {
  const pid = presence.pidOf(entry);
  const process = identityOfProcess(pid);
  // A process that cannot be examined counts as alive while any process has its id.
  if (process === undefined) return stateOf({ pid, startTicks: 0n });
  return presence.isOf(entry, process) ? stateOf(process) : 'dead';
}

export function clearEntries({ presence }: FlowFile, entries: readonly number[]): void {
  for (const entry of entries) presence.clear(entry);
}
