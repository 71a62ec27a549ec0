/**
 * The position of a player in its recording: speed, pause, steps, jumps and the end. Used by the
 * player and the SpecTcl that it replays. Pure: the clock is passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';

export type PlaybackState = 'playing' | 'paused' | 'ended';

export interface PlaybackRange {
  /** First and last time that is played, nanoseconds since 1970. */
  readonly fromNs: number;
  readonly toNs: number;
  /** Recorded seconds per second; Infinity: as fast as flows and viewers take it. */
  readonly speed: number;
  /** Begin again at the end. */
  readonly loop: boolean;
}

export class Playback {
  readonly range: PlaybackRange;
  readonly #clock: Clock;
  #speed: number;
  #state: PlaybackState = 'playing';
  /** Position at the clock reading below. */
  #atNs: number;
  #sinceMs: number;
  /** Counts jumps: who reads on from an earlier position begins again. */
  jumps = 0;
  #change = unresolved();
  /** The end is announced by `end` alone, when the last buffer was played. */
  waitsForFlows = false;

  constructor(range: PlaybackRange, clock: Clock) {
    this.range = range;
    this.#clock = clock;
    this.#speed = range.speed;
    this.#atNs = range.fromNs;
    this.#sinceMs = clock.nowMs();
  }

  get speed(): number {
    return this.#speed;
  }

  get state(): PlaybackState {
    this.#settle();
    return this.#state;
  }

  /** The time in the recording, now. At unlimited speed the time that was reached by `reach`. */
  get positionNs(): number {
    this.#settle();
    return this.#atNs;
  }

  pause(): void {
    this.#settle();
    if (this.#state === 'playing') this.#set('paused');
  }

  /** Continues, at this speed if one is given; after the end from the beginning. */
  resume(speed: number = this.#speed): void {
    this.#settle();
    this.#speed = speed;
    if (this.#state === 'ended') this.seek(this.range.fromNs);
    this.#set('playing');
  }

  /** Continues from another time, within the range. */
  seek(atNs: number): void {
    this.#settle();
    this.#atNs = Math.min(this.range.toNs, Math.max(this.range.fromNs, atNs));
    this.jumps += 1;
    if (this.#state === 'ended') this.#set('paused');
    this.#wake();
  }

  /** Moves on to a time at unlimited speed, or while it is paused, for a step. */
  reach(atNs: number): void {
    this.#settle();
    if (atNs <= this.#atNs) return;
    this.#atNs = Math.min(atNs, this.range.toNs);
    this.#wake();
  }

  /** The recording is over: begins again where it loops. */
  end(): void {
    if (this.range.loop) {
      this.#atNs = this.range.fromNs;
      this.#sinceMs = this.#clock.nowMs();
      this.jumps += 1;
      this.#wake();
    } else this.#set('ended');
  }

  /** Milliseconds until a time is reached; 0 when it is, Infinity while it is paused. */
  msUntil(atNs: number): number {
    this.#settle();
    if (atNs <= this.#atNs) return 0;
    if (this.#state !== 'playing') return Infinity;
    return this.#speed === Infinity ? 0 : (atNs - this.#atNs) / 1e6 / this.#speed;
  }

  /** Resolves at the next change of state or position that is no mere passing of time. */
  changed(): Promise<void> {
    return this.#change.promise;
  }

  #settle(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#state === 'playing' && this.#speed !== Infinity)
      this.#atNs = Math.min(this.range.toNs, this.#atNs + (nowMs - this.#sinceMs) * this.#speed * 1e6);
    this.#sinceMs = nowMs;
    if (this.#state === 'playing' && this.#atNs >= this.range.toNs && !this.waitsForFlows) this.end();
  }

  #set(state: PlaybackState): void {
    this.#state = state;
    this.#wake();
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = unresolved();
  }
}

function unresolved(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
