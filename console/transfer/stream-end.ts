/**
 * When a receiver has come to the end of what one provider sends. A provider that closes its flow
 * makes its source `ended`, one that goes without that makes it `stale`; each is told with the
 * provider's generation, which every buffer carries too. Pure.
 */
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';

/**
 * `ended`: the provider closed the flow. `died`: it went without that, or another one followed and
 * nobody said how it went.
 */
export type Ending = 'ended' | 'died';

/** Generations count from 1 and begin again behind this one; 0 is a flow without providers. */
const GENERATIONS = 0xffff;

export interface StreamEndOptions {
  readonly state: SourceState;
  readonly generation: number;
  /** Where no provider is there now, the next one is meant and not the last. */
  readonly next: boolean;
}

export class StreamEnd {
  readonly #generation: number;
  #ending: Ending | undefined;

  constructor({ state, generation, next }: StreamEndOptions) {
    const none = state === 'starting' || (next && state !== 'live');
    this.#generation = none ? (generation % GENERATIONS) + 1 : generation;
    this.told(state, generation);
  }

  /** How the provider went, once it has: what it published before may still have to be read. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** The flow's source has another state. */
  told(state: SourceState, generation: number): void {
    const place = this.place(generation);
    if (place === 'earlier') return;
    if (place === 'later') this.#ending ??= 'died';
    else if (state === 'ended') this.#ending = 'ended';
    // A flow that its duplicator fills goes on when its source is back.
    else if (state === 'stale' && generation > 0) this.#ending = 'died';
  }

  /** Whose buffer it is: an earlier provider's, the one's that is received, or a later one's. */
  place(generation: number): 'earlier' | 'this' | 'later' {
    if (generation === this.#generation || generation === 0)
      return generation === 0 ? this.#ofNobody : 'this';
    const ahead = (generation - this.#generation + GENERATIONS) % GENERATIONS;
    return ahead < GENERATIONS / 2 ? 'later' : 'earlier';
  }

  /** 0 in a state means that no provider has come yet, unless the flow has none at all. */
  get #ofNobody(): 'earlier' | 'this' {
    return this.#generation === 0 ? 'this' : 'earlier';
  }
}
