/**
 * Tracks which lossless consumers reattach after a take-over of a dead duplicator's flow file:
 * those of this host by their processes, receivers on other hosts by number. Until all that live
 * have reattached, nothing is overwritten that they may still need. Owned by FlowHost, used through
 * FlowConsumers.
 *
 * Writes counters and the presence table of the flow file: at any moment they name the consumers
 * that a successor of this duplicator must wait for, rather too many than too few. Reads process
 * states from /proc every CHECK_INTERVAL_MS, since no connection reports a death here. The wait
 * does not count while an expected process is stopped.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { Logger } from '../../protocol/base/log.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { ConsumerPresence, type PresenceEntry } from './consumer-presence.js';
import { ReattachGate } from './reattach-gate.js';

/** Time between two checks of which expected consumers live, milliseconds. */
export const CHECK_INTERVAL_MS = 100;

export interface ReattachmentTrackerOptions {
  readonly file: FlowFile;
  /** Lossless consumers of the dead duplicator, its receivers on other hosts included. */
  readonly expected: number;
  /** Longest wait, milliseconds; time while an expected process is stopped does not count. */
  readonly reattachMs: number;
  /**
   * The flow's present stall timeout, milliseconds: a consumer that is stopped for longer does not
   * postpone the end of the wait. 0 is never.
   */
  readonly stallTimeoutMs: () => number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called once, when no consumer is expected any more; never for an `expected` of 0. */
  readonly onComplete: () => void;
}

export class ReattachmentTracker {
  readonly #file: FlowFile;
  readonly #gate: ReattachGate;
  readonly #presence: ConsumerPresence;
  /** Receivers on other hosts that the dead duplicator had, and how many have reattached. */
  readonly #remotesBefore: number;
  #remotesReattached = 0;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #startedMs: number;
  readonly #stallTimeoutMs: () => number;
  #cancelCheck: () => void = () => undefined;
  #loggedStopped = false;

  constructor(options: ReattachmentTrackerOptions) {
    const { file, expected, reattachMs, stallTimeoutMs, clock, log, onComplete } = options;
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#startedMs = clock.nowMs();
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#remotesBefore = expected > 0 ? file.counter(COUNTERS.holdingRemotes.id) : 0;
    const floor = Math.max(0, file.granted - file.geometry.slotCount);
    const onOpen = (): void => {
      this.#cancelCheck();
      this.#presence.clearExpected();
      file.setCounter(COUNTERS.awaited.id, 0);
      onComplete();
    };
    this.#gate = new ReattachGate(expected, floor, clock, onOpen, reattachMs);
    this.#presence = new ConsumerPresence(file, Math.max(0, expected - this.#remotesBefore));
    file.setCounter(COUNTERS.awaited.id, this.#gate.expected);
    this.#scheduleCheck();
  }

  /** The first sequence that an expected consumer may need; Infinity when none is expected. */
  get floor(): number {
    return this.#gate.floor;
  }

  /**
   * A lossless consumer of this host was counted. `pid`: of its process, 0 where it is unknown;
   * `resumes`: it read this epoch of the flow before.
   */
  enter(pid: number, resumes: boolean): PresenceEntry {
    const entry = this.#presence.enter(pid, resumes);
    if (entry.reattached) this.#gate.reattached();
    return entry;
  }

  /** The consumer disconnected. A reattached one whose process lives is expected again. */
  leave(entry: PresenceEntry): void {
    const { reattached, process } = entry;
    const mayReattach = reattached && this.#gate.expected > 0 && (process === undefined || isAlive(process));
    this.#presence.leave(entry, mayReattach);
    if (mayReattach) this.#gate.detached();
    else if (reattached) this.#gate.died();
  }

  /** The consumer is lossy from now on. */
  demote(entry: PresenceEntry): void {
    this.#presence.leave(entry, false);
  }

  /**
   * A receiver on another host resumes. Returns false when all receivers of the dead duplicator
   * have reattached already.
   */
  enterRemote(): boolean {
    if (this.#remotesReattached >= this.#remotesBefore) return false;
    this.#remotesReattached += 1;
    this.#gate.reattached();
    return true;
  }

  /** A reattached receiver disconnected. */
  leaveRemote(): void {
    this.#remotesReattached -= 1;
    this.#gate.detached();
  }

  /** At most so many of the dead duplicator's consumers on this host live. */
  livingAtMost(consumers: number): void {
    this.#gate.livingAtMost(consumers + this.#remotesBefore);
  }

  /**
   * Writes into the file what a successor must wait for: `lossless` consumers, of which `remotes`
   * are receivers on other hosts.
   */
  count(lossless: number, remotes: number): void {
    const file = this.#file;
    const { expected } = this.#gate;
    // Never below the true sum in between: a consumer that reattaches moves from one to the other.
    file.setCounter(COUNTERS.awaited.id, Math.max(expected, file.counter(COUNTERS.awaited.id)));
    file.setCounter(COUNTERS.lossless.id, lossless);
    file.setCounter(COUNTERS.awaited.id, expected);
    const expectedRemotes = expected > 0 ? this.#remotesBefore - this.#remotesReattached : 0;
    file.setCounter(COUNTERS.holdingRemotes.id, remotes + expectedRemotes);
  }

  stop(): void {
    this.#cancelCheck();
    this.#gate.stop();
  }

  #scheduleCheck(): void {
    if (this.#gate.expected > 0)
      this.#cancelCheck = this.#clock.after(CHECK_INTERVAL_MS, () => this.#check(), true);
  }

  #check(): void {
    const { expected, stopped } = this.#presence.update();
    this.#gate.expectAtMost(expected + this.#remotesBefore - this.#remotesReattached);
    this.#file.setCounter(COUNTERS.awaited.id, this.#gate.expected);
    if (stopped.length > 0 && !this.#isStallTimeoutOver) this.#waitFor(stopped);
    this.#scheduleCheck();
  }

  #waitFor(stopped: readonly number[]): void {
    this.#gate.postpone();
    if (!this.#loggedStopped) this.#log.warn('the flow waits for consumers that are stopped', { stopped });
    this.#loggedStopped = true;
  }

  get #isStallTimeoutOver(): boolean {
    const timeoutMs = this.#stallTimeoutMs();
    return timeoutMs > 0 && this.#clock.nowMs() - this.#startedMs >= timeoutMs;
  }
}
