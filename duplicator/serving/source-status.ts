/**
 * The state of a flow's source (starting, live, stale or ended) as the clients see it, with the
 * generation of its provider: each provider of a flow writes its buffers under a number of its own.
 * Used by FlowHost and its parts. Writes the state into the flow file and sends STATUS messages.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { SOURCE_STATES, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import type { ProviderClaim } from './provider-claim.js';

export class SourceStatus {
  readonly #file: FlowFile;
  readonly #claim: ProviderClaim | undefined;
  /** Generation of a provider on another host. */
  #generation = 0;

  /** `claim`: of a local flow's provider. */
  constructor(file: FlowFile, claim: ProviderClaim | undefined) {
    this.#file = file;
    this.#claim = claim;
  }

  /**
   * Generation of the present or last provider; 0 where the duplicator fills the flow from a
   * source.
   */
  get generation(): number {
    return this.#claim?.generation ?? this.#generation;
  }

  /**
   * `sinceNs`: wall-clock nanoseconds since 1970 at which the state began; `generation`: of a
   * provider on another host, ignored in a local flow.
   */
  set(state: SourceState, sinceNs: number, generation: number): void {
    this.#generation = generation;
    this.#file.setSourceState(state, sinceNs, this.generation);
  }

  send(link: LinkConnection): void {
    link.signal(MessageKind.STATUS, this.generation, SOURCE_STATES[this.#file.sourceState]);
  }
}
