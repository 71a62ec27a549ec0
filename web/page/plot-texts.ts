/**
 * The texts of one plot beside its counts: a note where there are none, the foot with sums, the
 * state of the data, and the counts under the cursor. `Plot` creates it, inserts its elements and
 * updates it with each drawing. Changes only these elements, data attributes included, which tests
 * read.
 */
import { dataState, type DataStateInput } from '../view/data-state.js';
import { sumText } from '../view/plot-words.js';
import { momentText } from '../view/moment.js';
import type { Frame } from '../wire/frame.js';
import { element, setText } from './dom.js';

export interface PlotTextInput extends DataStateInput {
  /** Head of the frame of the first spectrum; undefined before its first frame. */
  readonly head: Frame['head'] | undefined;
  /** Spectra of the plot that do not exist at the source. */
  readonly missing: readonly string[];
  /** Why a moment of the recording cannot be shown. */
  readonly problem: string | undefined;
  /** The gate within which a projection sums, where there is none. */
  readonly missingGate: string | undefined;
  /** The highest visible value, in the unit of the axis; undefined before the first drawing. */
  readonly highest: number | undefined;
  /** The counts under the cursor; empty without one. */
  readonly cursor: string;
}

export class PlotTexts {
  readonly note = element('p', { class: 'plot-note', role: 'status' });
  readonly foot = element('output', { class: 'plot-foot', 'aria-live': 'off' });
  readonly stateBadge = element('output', { class: 'plot-state', 'aria-live': 'off' });
  readonly cursorOutput = element('output', { class: 'plot-read', 'aria-live': 'polite' });
  readonly #card: HTMLElement;

  /** `card`: the element of the whole plot, which is marked where its data are not live. */
  constructor(card: HTMLElement) {
    this.#card = card;
  }

  update(input: PlotTextInput): void {
    const { head, highest, cursor } = input;
    const note = noteText(input);
    setText(this.note, note);
    this.note.hidden = note === '';
    // What the frame is of: a page that has just moved still shows the counts of before.
    this.#updateState({ ...input, momentMs: head?.momentMs }, head?.atMs);
    const foot = head === undefined ? '' : sumText(head, highest);
    setText(this.foot, breakable(foot));
    // Narrow plots cut it off.
    if (this.foot.title !== foot) this.foot.title = foot;
    this.foot.dataset['sum'] = head === undefined ? '' : String(head.sum);
    this.foot.dataset['max'] = highest === undefined ? '' : String(highest);
    this.#card.dataset['sequence'] = head === undefined ? '' : String(head.sequence);
    setText(this.cursorOutput, cursor);
  }

  #updateState(input: DataStateInput, shownMs: number | undefined): void {
    const { kind, label, detail } = dataState(input, Date.now(), shownMs);
    const isMarked = kind !== 'live' && kind !== 'connecting';
    this.#card.classList.toggle('is-stale', isMarked && kind !== 'paused' && kind !== 'past');
    this.#card.dataset['state'] = kind;
    this.stateBadge.hidden = !isMarked || shownMs === undefined;
    setText(this.stateBadge, isMarked ? `${label} · ${detail}` : '');
  }
}

/** Lines break between two figures only, so that a narrow plot leaves out whole ones. */
function breakable(text: string): string {
  const [first = '', ...rest] = text.split(' · ');
  return [first, ...rest.map((part) => part.replaceAll(' ', '\u00a0'))].join(' ·\u00a0');
}

/** Why there are no counts, or not yet all; otherwise empty. */
function noteText({ connected, status, head, missing, problem, missingGate }: PlotTextInput): string {
  if (problem !== undefined) return problem;
  if (missing.length > 0) return `SpecTcl has no spectrum ${missing.join(', ')}.`;
  if (missingGate !== undefined) return `SpecTcl has no contour or band ${missingGate} on these parameters.`;
  if (head?.since?.known === false) {
    return `The counts of ${momentText(head.since.atMs)} are neither remembered nor recorded: remember another moment.`;
  }
  if (head !== undefined) {
    return head.rateS !== undefined && head.spanS === 0 ? 'No earlier counts yet: counting starts now.' : '';
  }
  if (!connected) return 'Waiting for the server of the web viewer …';
  if (status?.state === 'broken' || status?.state === 'stopped') {
    return status.cause ?? 'The application does not run.';
  }
  return 'Waiting for the first counts …';
}
