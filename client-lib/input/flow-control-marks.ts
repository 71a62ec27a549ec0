/**
 * Flow-control marks of a consumer's history (its own ring of buffers): the check of the options,
 * and when a mark counts as reached. Used by the input options and by the flow thread. Pure.
 *
 * The fill is the number of ready buffers. An XOFF mark is reached when the fill rises to it, once
 * until an XON mark is reached; an XON mark is reached when, after an XOFF, the fill falls to it
 * from above, once until the next XOFF. So a fill that swings around one mark sends few messages.
 */
import type { FlowMark } from '../../protocol/rpc/contract/deliveries.js';
import { checkOptionNames } from '../call-options.js';
import { badOption, checkBuffers, type HistoryRules } from './history/history-rules.js';

/** Marks in ready buffers of the history. */
export interface FlowControlMarks {
  /** From 1 to `history`. */
  readonly xoff: readonly number[];
  /**
   * From 0 to `history` - 1; at least one below the lowest XOFF, or the flow could never resume.
   */
  readonly xon: readonly number[];
}

const MARKS_MAX = 64;

/** Returns the marks in ascending order, each once. Throws BAD_OPTION naming the numbers. */
export function checkFlowControl(marks: FlowControlMarks, rules: HistoryRules): FlowControlMarks {
  checkOptionNames('flowControl', marks, ['xoff', 'xon']);
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
 * `armed`: reached when the fill comes to it. `beyond`: the fill must first pass it to the other
 * side. `reached`: armed again by a mark of the other kind.
 */
type MarkState = 'armed' | 'beyond' | 'reached';

interface Watched {
  readonly mark: number;
  state: MarkState;
}

export class MarkWatch {
  /** Ascending: the order of a rising fill. */
  readonly #xoff: readonly Watched[];
  /** Descending: the order of a falling fill. */
  readonly #xon: readonly Watched[];
  readonly #onReached: (kind: FlowMark['kind'], mark: number, fill: number) => void;

  constructor(
    { xoff, xon }: FlowControlMarks,
    onReached: (kind: FlowMark['kind'], mark: number, fill: number) => void,
  ) {
    this.#xoff = xoff.map((mark) => ({ mark, state: 'armed' }));
    this.#xon = xon.toReversed().map((mark) => ({ mark, state: 'reached' }));
    this.#onReached = onReached;
  }

  /**
   * Reports the marks that the present fill reaches. Call it after every rise, and when the fill
   * has fallen to `nextFall`.
   */
  update(fill: number): void {
    for (const watched of this.#xoff) {
      if (watched.state === 'beyond' && fill < watched.mark) watched.state = 'armed';
      if (watched.state !== 'armed' || fill < watched.mark) continue;
      watched.state = 'reached';
      for (const other of this.#xon) if (other.state === 'reached') other.state = 'beyond';
      this.#onReached('xoff', watched.mark, fill);
    }
    for (const watched of this.#xon) {
      if (watched.state === 'beyond' && fill > watched.mark) watched.state = 'armed';
      if (watched.state !== 'armed' || fill > watched.mark) continue;
      watched.state = 'reached';
      for (const other of this.#xoff) {
        if (other.state === 'reached') other.state = fill < other.mark ? 'armed' : 'beyond';
      }
      this.#onReached('xon', watched.mark, fill);
    }
  }

  /**
   * The fill, in buffers, at which a falling fill next matters: the highest XON mark that it will
   * reach, or the fill below an XOFF mark that must be passed before it can be reached again. -1
   * when there is neither.
   */
  get nextFall(): number {
    const xon = this.#xon.find(({ state }) => state === 'armed')?.mark ?? -1;
    const xoff = this.#xoff.findLast(({ state }) => state === 'beyond')?.mark ?? 0;
    return Math.max(xon, xoff - 1);
  }
}
