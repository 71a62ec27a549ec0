/**
 * Those who come back after a take-over: the lossless consumers of the dead duplicator on this
 * host, by their processes, and its receivers on other hosts. Until all who live are back nothing
 * is written over what they may still need. Whom to wait for stands in the flow's file at any
 * moment, so that a successor, whenever it comes, waits for too many rather than for too few.
 *
 * Nobody tells of the death of one who has no connection, so it is looked at again and again, while
 * somebody is awaited. Who is stopped cannot come: the time does not count for it, as little as its
 * duplicator would have given it up.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { Logger } from '../../protocol/base/log.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { ConsumerPresence, type PresenceEntry } from './consumer-presence.js';
import { ReattachGate } from './reattach-gate.js';

/** From one look at who of the awaited lives to the next. */
export const LOOK_MS = 100;

export interface ReattachmentTrackerOptions {
  readonly file: FlowFile;
  /**
   * Lossless consumers of the dead duplicator that are awaited, its receivers on other hosts among
   * them.
   */
  readonly expected: number;
  /** Longest wait for them, milliseconds; the time while one of them is stopped does not count. */
  readonly reattachMs: number;
  /**
   * The flow's stall timeout now, milliseconds: who is stopped for so long is given up. 0 is never.
   */
  readonly stallTimeoutMs: () => number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Nobody is awaited any more. */
  readonly over: () => void;
}

export class ReattachmentTracker {
  readonly #file: FlowFile;
  readonly #hold: ReattachGate;
  readonly #attendance: ConsumerPresence;
  /** Receivers on other hosts that the dead duplicator had, and how many of them are back. */
  readonly #remotesBefore: number;
  #remotesBack = 0;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #begunMs: number;
  readonly #stallTimeoutMs: () => number;
  #cancelLook: () => void = () => undefined;
  #stoppedTold = false;

  constructor({ file, expected, reattachMs, stallTimeoutMs, clock, log, over }: ReattachmentTrackerOptions) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#begunMs = clock.nowMs();
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#remotesBefore = expected > 0 ? file.counter(COUNTERS.holdingRemotes.id) : 0;
    const floor = Math.max(0, file.granted - file.geometry.slotCount);
    const released = (): void => {
      this.#cancelLook();
      this.#attendance.over();
      file.setCounter(COUNTERS.awaited.id, 0);
      over();
    };
    this.#hold = new ReattachGate(expected, floor, clock, released, reattachMs);
    this.#attendance = new ConsumerPresence(file, Math.max(0, expected - this.#remotesBefore));
    file.setCounter(COUNTERS.awaited.id, this.#hold.missing);
    this.#lookLater();
  }

  /** The first sequence that one who is awaited may still need; Infinity when nobody is. */
  get floor(): number {
    return this.#hold.floor;
  }

  /**
   * A lossless consumer of this host was counted. `pid`: of its process, 0 where it is not known;
   * `returns`: it was in this epoch before.
   */
  enter(pid: number, returns: boolean): PresenceEntry {
    const attendant = this.#attendance.enter(pid, returns);
    if (attendant.awaited) this.#hold.returned();
    return attendant;
  }

  /**
   * One that had come back and goes again may be on the way to come once more, unless its process
   * has died.
   */
  left(attendant: PresenceEntry): void {
    const { awaited, process } = attendant;
    const again = awaited && this.#hold.missing > 0 && (process === undefined || isAlive(process));
    this.#attendance.leave(attendant, again);
    if (again) this.#hold.left();
    else if (awaited) this.#hold.died();
  }

  /** It is lossy from now on. */
  demoted(attendant: PresenceEntry): void {
    this.#attendance.leave(attendant, false);
  }

  /**
   * A receiver on another host goes on where it was. False when all that were there before are back
   * already.
   */
  remoteReturned(): boolean {
    if (this.#remotesBack >= this.#remotesBefore) return false;
    this.#remotesBack += 1;
    this.#hold.returned();
    return true;
  }

  /** One that had returned has gone again. */
  remoteLeft(): void {
    this.#remotesBack -= 1;
    this.#hold.left();
  }

  /** Of the consumers on this host that a dead predecessor had, no more than so many live. */
  expectAtMost(consumers: number): void {
    this.#hold.expectAtMost(consumers + this.#remotesBefore);
  }

  /**
   * Writes down who a successor has to wait for: lossless consumers, and those among them that are
   * receivers on other hosts.
   */
  count(lossless: number, remotes: number): void {
    const file = this.#file;
    const { missing } = this.#hold;
    file.setCounter(COUNTERS.awaited.id, Math.max(missing, file.counter(COUNTERS.awaited.id)));
    file.setCounter(COUNTERS.lossless.id, lossless);
    file.setCounter(COUNTERS.awaited.id, missing);
    const remotesMissing = missing > 0 ? this.#remotesBefore - this.#remotesBack : 0;
    file.setCounter(COUNTERS.holdingRemotes.id, remotes + remotesMissing);
  }

  stop(): void {
    this.#cancelLook();
    this.#hold.stop();
  }

  #lookLater(): void {
    if (this.#hold.missing > 0) this.#cancelLook = this.#clock.after(LOOK_MS, () => this.#look(), true);
  }

  #look(): void {
    const { missing, stopped } = this.#attendance.look();
    this.#hold.missAtMost(missing + this.#remotesBefore - this.#remotesBack);
    this.#file.setCounter(COUNTERS.awaited.id, this.#hold.missing);
    if (stopped.length > 0 && !this.#hasStalled) this.#waitOn(stopped);
    this.#lookLater();
  }

  #waitOn(stopped: readonly number[]): void {
    this.#hold.postpone();
    if (!this.#stoppedTold) this.#log.warn('the flow waits for consumers that are stopped', { stopped });
    this.#stoppedTold = true;
  }

  get #hasStalled(): boolean {
    const timeoutMs = this.#stallTimeoutMs();
    return timeoutMs > 0 && this.#clock.nowMs() - this.#begunMs >= timeoutMs;
  }
}
