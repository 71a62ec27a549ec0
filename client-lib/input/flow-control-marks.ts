/**
 * Flow-control marks: what a consumer may ask for, and when a mark counts as reached. Pure.
 *
 * An XOFF mark is reached when the fill rises to it, once until an XON mark is reached; an XON mark
 * is reached when, after an XOFF, the fill falls to it from above, once until the next XOFF. So a
 * fill that swings around one mark does not flood the provider.
 */
import type { FlowMark } from '../../protocol/rpc/contract/deliveries.js';
import { badOption, checkBuffers, type HistoryRules } from './history/rules.js';

/** Numbers of filled buffers in the history. */
export interface FlowControlMarks {
  /** From 1 to `history`. */
  readonly xoff: readonly number[];
  /**
   * From 0 to `history` - 1; at least one below the lowest XOFF, or the flow could never resume.
   */
  readonly xon: readonly number[];
}

const MARKS_MAX = 64;

/** The marks in ascending order, each once. Throws BAD_OPTION naming the numbers. */
export function checkFlowControl(marks: FlowControlMarks, rules: HistoryRules): FlowControlMarks {
  const { history, watermarks } = rules;
  const xoff = ascending('flowControl.xoff', marks.xoff, 1, history);
  const xon = ascending('flowControl.xon', marks.xon, 0, history - 1);
  const [lowestXoff] = xoff;
  const [lowestXon] = xon;
  if (lowestXoff === undefined) {
    throw badOption('flowControl.xoff', '[]', `at least one number of buffers from 1 to ${history}`);
  }
  if (lowestXon === undefined) {
    throw badOption(
      'flowControl.xon',
      '[]',
      `at least one number below the XOFF at ${lowestXoff}: nothing would resume the flow`,
    );
  }
  if (lowestXon >= lowestXoff) {
    throw badOption(
      'flowControl.xon',
      `[${xon.join(', ')}]`,
      `a list with a number below the XOFF at ${lowestXoff}: a provider that stops there would never reach an XON`,
    );
  }
  const highestXoff = xoff.at(-1) ?? 0;
  if (watermarks !== undefined && highestXoff > watermarks.high) {
    throw badOption(
      'flowControl.xoff',
      `[${xoff.join(', ')}]`,
      `numbers up to the high watermark ${watermarks.high}, since the history is filled no further`,
    );
  }
  return { xoff, xon };
}

function ascending(option: string, marks: readonly number[], min: number, max: number): number[] {
  if (!Array.isArray(marks) || marks.length > MARKS_MAX) {
    throw badOption(option, typeof marks, `an array of at most ${MARKS_MAX} numbers of buffers`);
  }
  for (const mark of marks) checkBuffers(option, mark, min, max);
  return [...new Set(marks)].toSorted((a, b) => a - b);
}

/**
 * `armed`: reached when the fill gets there. `away`: the fill must first leave it to the other
 * side. `done`: waits for a mark of the other kind.
 */
type MarkState = 'armed' | 'away' | 'done';

interface Watched {
  readonly mark: number;
  state: MarkState;
}

export class MarkWatch {
  /** Ascending, and descending: the order in which they are met. */
  readonly #xoff: readonly Watched[];
  readonly #xon: readonly Watched[];
  readonly #reached: (kind: FlowMark['kind'], mark: number, fill: number) => void;

  constructor(
    { xoff, xon }: FlowControlMarks,
    reached: (kind: FlowMark['kind'], mark: number, fill: number) => void,
  ) {
    this.#xoff = xoff.map((mark) => ({ mark, state: 'armed' }));
    this.#xon = xon.toReversed().map((mark) => ({ mark, state: 'done' }));
    this.#reached = reached;
  }

  /**
   * The fill is this now. To be called after every rise, and when the fill has fallen to `nextXon`.
   */
  look(fill: number): void {
    for (const watched of this.#xoff) {
      if (watched.state === 'away' && fill < watched.mark) watched.state = 'armed';
      if (watched.state !== 'armed' || fill < watched.mark) continue;
      watched.state = 'done';
      for (const other of this.#xon) if (other.state === 'done') other.state = 'away';
      this.#reached('xoff', watched.mark, fill);
    }
    for (const watched of this.#xon) {
      if (watched.state === 'away' && fill > watched.mark) watched.state = 'armed';
      if (watched.state !== 'armed' || fill > watched.mark) continue;
      watched.state = 'done';
      for (const other of this.#xoff) {
        if (other.state === 'done') other.state = fill < other.mark ? 'armed' : 'away';
      }
      this.#reached('xon', watched.mark, fill);
    }
  }

  /** The highest XON mark that a falling fill will reach; -1 when there is none now. */
  get nextXon(): number {
    return this.#xon.find(({ state }) => state === 'armed')?.mark ?? -1;
  }
}
