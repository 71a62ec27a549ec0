/**
 * The escape sequences of a live display, which turn one frame into the next.
 *
 * `watch.ts` writes them to the terminal. Pure: no I/O.
 */

const RESET_STYLE = '\x1b[0m';
const CLEAR_SCREEN = '\x1b[2J';
const CLEAR_BELOW = '\x1b[J';
const CLEAR_TO_END_OF_LINE = '\x1b[K';

/**
 * Alternate screen, hidden cursor, no automatic line wrap: in a terminal that was just made smaller
 * a line that is too wide must not push the others down.
 */
export const ENTER_SCREEN = `\x1b[?1049h\x1b[?25l\x1b[?7l${CLEAR_SCREEN}\x1b[H`;

/** Undoes ENTER_SCREEN, in the opposite order. Harmless when written twice. */
export const LEAVE_SCREEN = `${RESET_STYLE}\x1b[?7h\x1b[?25h\x1b[?1049l`;

/** What a terminal shows: lines from the top row down, each ending in the default style. */
export interface ScreenFrame {
  readonly lines: readonly string[];
  /** Size of the terminal when the frame was made. */
  readonly width: number;
  readonly height: number;
}

/**
 * The sequence that changes a terminal from `previous` to `next`; empty when both look the same.
 * Only changed lines are written; lines below the terminal's height are omitted. A first frame (no
 * `previous`) and a resized terminal are painted completely, because a terminal moves its lines
 * when it is resized.
 */
export function repaint(previous: ScreenFrame | undefined, next: ScreenFrame): string {
  const lines = next.lines.slice(0, Math.max(0, next.height));
  const isNew = previous?.width !== next.width || previous.height !== next.height;
  const before = isNew ? [] : previous.lines.slice(0, Math.max(0, previous.height));
  let sequence = isNew ? RESET_STYLE + CLEAR_SCREEN : '';
  for (const [row, line] of lines.entries()) {
    // A line is cleared before it is written: after a line of full width the cursor is still on the
    // last character.
    if (line !== before[row]) sequence += startOf(row) + CLEAR_TO_END_OF_LINE + line;
  }
  return lines.length < before.length ? sequence + startOf(lines.length) + CLEAR_BELOW : sequence;
}

function startOf(row: number): string {
  return `\x1b[${row + 1};1H`;
}
