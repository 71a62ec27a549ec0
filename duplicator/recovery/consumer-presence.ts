/**
 * Which processes have the lossless consumers of a flow, in its file: who takes the file over when
 * this duplicator is killed looks which of them live, and waits for those and nobody else.
 * Consumers without an entry, for which there was no room or whose process is not known, are waited
 * for in any case.
 *
 * An entry is set after its consumer was counted in the file, and cleared before it is not any
 * more: whenever the duplicator is killed, its successor waits for too many rather than for too
 * few.
 *
 * | entry   | event                                 | next                                            |
 * | ------- | ------------------------------------- | ----------------------------------------------- |
 * | free    | enter()                               | taken                                           |
 * | awaited | enter() of that process, coming back  | taken                                           |
 * | taken   | leave() of one who is to come again   | awaited                                         |
 * | taken   | leave()                               | free                                            |
 * | awaited | look(), its process has died          | free                                            |
 * | awaited | over()                                | free                                            |
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { PRESENCE_CAPACITY } from '../../protocol/flow/flow-file/layout.js';
import {
  processOf,
  stateOf,
  type OwnerIdentity,
  type ProcessState,
} from '../../protocol/base/owner-identity.js';

/** A consumer's place in the table. */
export interface PresenceEntry {
  readonly entry: number | undefined;
  /** It is one of those that were awaited. */
  readonly awaited: boolean;
  readonly process: OwnerIdentity | undefined;
}

export class ConsumerPresence {
  readonly #file: FlowFile;
  readonly #free: number[] = [];
  /** Entries of those who are awaited. */
  readonly #awaited = new Set<number>();
  /** Awaited without an entry. */
  #unknown: number;

  /**
   * `expected` of the dead predecessor's consumers are awaited on this host. What stands in the
   * file is of those, or of nobody.
   */
  constructor(file: FlowFile, expected: number) {
    this.#file = file;
    for (let entry = PRESENCE_CAPACITY - 1; entry >= 0; entry -= 1) {
      if (expected > 0 && this.#file.presence.pidOf(entry) !== 0) this.#awaited.add(entry);
      else this.#clear(entry);
    }
    this.#unknown = Math.max(0, expected - this.#awaited.size);
  }

  /**
   * A consumer was counted. `pid`: of its process, 0 where that is not known; `returns`: it says
   * that it goes on where it was.
   */
  enter(pid: number, returns: boolean): PresenceEntry {
    const process = pid === 0 ? undefined : processOf(pid);
    if (returns) {
      for (const entry of this.#awaited) {
        if (process === undefined || !this.#file.presence.isOf(entry, process)) continue;
        this.#awaited.delete(entry);
        return { entry, awaited: true, process };
      }
    }
    const awaited = returns && this.#unknown > 0;
    if (awaited) this.#unknown -= 1;
    const entry = process === undefined ? undefined : this.#free.pop();
    if (entry !== undefined && process !== undefined) this.#file.presence.set(entry, process);
    return { entry, awaited, process };
  }

  /**
   * It has gone, and is about not to be counted any more. `again`: it may come back, and is
   * awaited.
   */
  leave({ entry }: PresenceEntry, again: boolean): void {
    if (again && entry !== undefined) this.#awaited.add(entry);
    else if (again) this.#unknown += 1;
    else if (entry !== undefined) this.#clear(entry);
  }

  /**
   * Looks which of those who are awaited live. The dead leave their entries, which is to be done
   * before they are taken off the number that the file says is awaited. Returns how many may still
   * come, and the ids of processes among them that are stopped.
   */
  look(): { readonly missing: number; readonly stopped: readonly number[] } {
    const stopped: number[] = [];
    for (const entry of this.#awaited) {
      const state = stateOfEntry(this.#file, entry);
      if (state === 'stopped') stopped.push(this.#file.presence.pidOf(entry));
      if (state !== 'dead') continue;
      this.#awaited.delete(entry);
      this.#clear(entry);
    }
    return { missing: this.#awaited.size + this.#unknown, stopped };
  }

  /** Nobody is awaited any more. */
  over(): void {
    for (const entry of this.#awaited) this.#clear(entry);
    this.#awaited.clear();
    this.#unknown = 0;
  }

  #clear(entry: number): void {
    if (this.#file.presence.pidOf(entry) !== 0) this.#file.presence.clear(entry);
    this.#free.push(entry);
  }
}

/** Entries of processes that live no more, in the file of a dead owner. */
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
  const process = processOf(pid);
  // One that cannot be looked at lives as long as any process has its id.
  if (process === undefined) return stateOf({ pid, startTicks: 0n });
  return presence.isOf(entry, process) ? stateOf(process) : 'dead';
}

export function clearEntries({ presence }: FlowFile, entries: readonly number[]): void {
  for (const entry of entries) presence.clear(entry);
}
