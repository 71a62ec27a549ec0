/**
 * The stores of the model (test/model/flow.pml) as rules for real stores: each store to a word of
 * the flow's protocol is assigned to the model's action, and must be one that the model allows in
 * this state of the file. Used by the world of interrupted flows. Reads the flow file.
 *
 * | action of the model          | store                       | allowed when                                          |
 * | ---------------------------- | --------------------------- | ----------------------------------------------------- |
 * | STORE_P(SEQUENCE(n), 0)      | the sequence word of a slot | no lossless consumer still needs the buffer in it     |
 * | RELEASE_P(SEQUENCE(n), n + 1)| the sequence word of a slot | the slot is cleared, and n is not published           |
 * | publish()                    | `published`                 | it grows, over slots that hold their buffers          |
 * | grant()                      | `granted`                   | it is at most a ring beyond what any consumer needs   |
 * | HEARD                        | `heard`                     | it is at most what is published                       |
 */
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { wordOf, type Store } from '../../kit/interrupted-file.js';

export type Action = 'clear' | 'complete' | 'publish' | 'grant' | 'hear';

const TWO_32 = 2 ** 32;

export class StoreRules {
  /** How often each action was seen. */
  readonly seen = new Map<Action, number>();
  /** The first sequence that a lossless consumer still needs; Infinity without one. */
  readonly #needed: (file: FlowFile) => number;

  constructor(needed: (file: FlowFile) => number) {
    this.#needed = needed;
  }

  /** To be called before each store. Throws for one that the model does not allow. */
  check(file: FlowFile, store: Store): void {
    const [word = '', slot] = wordOf(file, store).split(' ');
    const value = valueOf(store);
    const { published, geometry } = file;
    const { slotCount } = geometry;
    switch (word) {
      case 'sequence': {
        // The sequence that lives in this slot next.
        const next = published + ((((Number(slot) - published) % slotCount) + slotCount) % slotCount);
        if (value === 0) {
          const old = file.slotWord(next) - 1;
          this.#allow('clear', old < this.#needed(file) || old >= published, `clears ${old}`);
        } else
          this.#allow('complete', file.slotWord(next) === 0 && value > published, `completes ${value - 1}`);
        break;
      }
      case 'published': {
        let whole = value;
        for (let sequence = published; sequence < value; sequence += 1)
          if (!file.holds(sequence)) whole = Math.min(whole, sequence);
        this.#allow(
          'publish',
          whole === value && value >= published,
          `publishes ${value} after ${published}`,
        );
        break;
      }
      case 'granted':
        this.#allow('grant', value <= Math.min(this.#needed(file), published) + slotCount, `grants ${value}`);
        break;
      case 'heard':
        this.#allow('hear', value <= published, `has heard ${value} of ${published}`);
        break;
      default:
    }
  }

  #allow(action: Action, isAllowed: boolean, what: string): void {
    this.seen.set(action, (this.seen.get(action) ?? 0) + 1);
    if (!isAllowed) throw new Error(`a participant ${what}, which the model does not allow`);
  }
}

/** The value that a store leaves in its word: operations of `Words` differ in their parameters. */
function valueOf({ operation, values: [first = 0, second = 0] }: Store): number {
  if (operation.startsWith('clear')) return 0;
  if (operation.startsWith('exchange')) return second;
  return operation.endsWith('Halves') ? (second >>> 0) * TWO_32 + (first >>> 0) : first;
}
