/**
 * Decides when a receiver has reached the end of what one provider sends.
 *
 * `receive-stream.ts` passes it the states of the flow's source. A provider that closes its flow
 * makes the source `ended`; one that dies makes it `stale`. States and buffers carry the provider's
 * generation, a number that counts the providers of a flow. Pure: no I/O.
 */
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';

/**
 * `ended`: the provider closed the flow. `died`: it did not, or a later provider followed before
 * its end was reported.
 */
export type Ending = 'ended' | 'died';

/** Highest generation, after which 1 follows; 0 is the generation of a flow without providers. */
const GENERATIONS = 0xffff;

export interface StreamEndOptions {
  readonly state: SourceState;
  readonly generation: number;
  /** Receive from the next provider, not from the last one, when the flow has none now. */
  readonly next: boolean;
}

export class StreamEnd {
  readonly #generation: number;
  /** The duplicator was replaced: its provider may not have reattached yet. */
  #reattaching = false;
  #ending: Ending | undefined;

  constructor({ state, generation, next }: StreamEndOptions) {
    const awaitsNext = state === 'starting' || (next && state !== 'live');
    this.#generation = awaitsNext ? (generation % GENERATIONS) + 1 : generation;
    this.update(state, generation);
  }

  /** How the provider ended, if it has. Buffers published before that may still be unread. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Records a new state of the flow's source. */
  update(state: SourceState, generation: number): void {
    const place = this.place(generation);
    if (place === 'earlier') return;
    if (place === 'later') this.#ending ??= 'died';
    else if (state === 'ended') this.#ending = 'ended';
    else if (state === 'live') this.#reattaching = false;
    // Generation 0: a flow that its duplicator fills continues when its source is reachable again.
    else if (state === 'stale' && generation > 0 && !this.#reattaching) this.#ending = 'died';
  }

  /** The duplicator has ended: the flow is stale until the provider has reattached to the next. */
  detached(): void {
    this.#reattaching = true;
  }

  /** A provider that has not reattached by now has died. */
  reattachmentOver(): void {
    if (this.#reattaching && this.#generation > 0) this.#ending ??= 'died';
    this.#reattaching = false;
  }

  /** Whether a generation is that of the provider received from, or an earlier or later one. */
  place(generation: number): 'earlier' | 'this' | 'later' {
    if (generation === this.#generation || generation === 0)
      return generation === 0 ? this.#placeOfZero : 'this';
    const ahead = (generation - this.#generation + GENERATIONS) % GENERATIONS;
    return ahead < GENERATIONS / 2 ? 'later' : 'earlier';
  }

  /** Generation 0 means that no provider has opened the flow yet, or that it never has one. */
  get #placeOfZero(): 'earlier' | 'this' {
    return this.#generation === 0 ? 'this' : 'earlier';
  }
}
