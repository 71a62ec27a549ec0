/**
 * The state of a flow's source as its consumer has it: what the duplicator's STATUS messages
 * report. Used by both engines and the flow thread. Pure.
 */
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';

export class SourceStatus {
  state: SourceState;
  /**
   * Number of the provider that the state is about, from 1; 0 where the duplicator fills the flow.
   */
  generation: number;

  constructor({ state, generation }: { readonly state: SourceState; readonly generation: number }) {
    this.state = state;
    this.generation = generation;
  }

  /** True when it has changed. */
  update(state: SourceState, generation: number): boolean {
    if (state === this.state && generation === this.generation) return false;
    this.state = state;
    this.generation = generation;
    return true;
  }
}
