/**
 * Decides which parcels of a flow are applied, by their sequences: each group once and in order,
 * whether it arrives live, from the stream, or both. Called by NatsReceiver. Pure.
 *
 * | parcel                                          | step                                        |
 * | ----------------------------------------------- | ------------------------------------------- |
 * | the part of the current group that is expected  | apply                                       |
 * | first part of a group that can be applied       | begin: what arrived of another one is discarded |
 * | of a group that is here                         | double                                      |
 * | of another epoch                                | restarted                                   |
 * | anything else: what is before it is missing     | gap                                         |
 */
import { ParcelBits, type Parcel } from '../../../protocol/nats/parcel.js';

export type FollowStep = 'begin' | 'apply' | 'double' | 'restarted' | 'gap';

export class GroupFollower {
  readonly #epoch: number;
  readonly #isMirror: boolean;
  #next: number;
  /** The group that has begun, and its part that is expected. */
  #current: { readonly group: number; readonly part: number } | undefined;

  /** `next`: everything below it is here; of a mirror 0 when there is no publication. */
  constructor(epoch: number, isMirror: boolean, next: number) {
    this.#epoch = epoch;
    this.#isMirror = isMirror;
    this.#next = next;
  }

  /** Everything below this sequence is here, or is lost. */
  get next(): number {
    return this.#next;
  }

  step(parcel: Parcel): FollowStep {
    if (parcel.epoch !== this.#epoch) return 'restarted';
    const current = this.#current;
    if (current !== undefined && current.group === parcel.group && current.part === parcel.part)
      return this.#accept(parcel, 'apply');
    if (parcel.next <= this.#next) return 'double';
    return parcel.part === 0 && this.canFollow(parcel) ? this.#accept(parcel, 'begin') : 'gap';
  }

  /** Whether the parcel's group is here already or can be applied as soon as it begins. */
  joins(parcel: Parcel): boolean {
    if (parcel.epoch !== this.#epoch || parcel.next <= this.#next) return true;
    return parcel.part === 0 && this.canFollow(parcel);
  }

  /** Whether everything that the parcel's group needs is here. */
  canFollow({ bits, follows }: Parcel): boolean {
    if ((bits & ParcelBits.KEY) !== 0) return true;
    return this.#isMirror ? follows === this.#next : follows <= this.#next;
  }

  /** What is below `sequence` is lost. Not for mirrors: a delta needs what it builds upon. */
  skipTo(sequence: number): void {
    if (!this.#isMirror) this.#next = Math.max(this.#next, sequence);
  }

  /** The parts so far are discarded: the group is expected from its beginning. */
  discardPart(): void {
    this.#current = undefined;
  }

  #accept(parcel: Parcel, step: 'begin' | 'apply'): FollowStep {
    const isLast = parcel.part === parcel.parts - 1;
    this.#current = isLast ? undefined : { group: parcel.group, part: parcel.part + 1 };
    if (isLast) this.#next = parcel.next;
    return step;
  }
}
