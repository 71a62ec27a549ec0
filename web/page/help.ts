/**
 * The help dialog: keys and gestures, as `plot-keys.ts`, `plot-pointer.ts`, `plot-touch.ts`,
 * `spectrum-list.ts` and `page-keys.ts` implement them. The header and a key open it. Adds a dialog
 * to the document until it is closed.
 */
import { element } from './dom.js';

type Rows = readonly (readonly [string, string])[];

const KEYS: Rows = [
  ['/', 'search the list of spectra'],
  ['↑ ↓, Enter', 'in the list: select a spectrum, show it in the active plot'],
  ['Shift Enter', 'in the list: overlay it on the active plot'],
  ['+ or Alt Enter', 'in the list: show it in a new plot'],
  ['Tab', 'go to the next plot or button'],
  ['← →', 'on a plot: move the cursor (also ↑ ↓ on 2-D)'],
  ['Shift ← →', 'on a plot: move the visible part'],
  ['+  −  0', 'on a plot: zoom in, zoom out, show all'],
  ['Z', 'on a plot: zoom back, to the part before the last zoom'],
  ['R … R', 'begin and end a region at the cursor'],
  ['G', 'select the next region'],
  ['[ ]', 'move the selected region by a channel'],
  ['{ }', 'narrow or widen the selected region'],
  ['Delete', 'remove the selected region'],
  [
    'Enter, M, G, Delete',
    'while drawing a gate: add a point at the cursor, move the selected one there, select the next, remove it',
  ],
  ['S, Escape', 'while drawing a gate: send it to SpecTcl, or drop it'],
  ['L', 'switch between linear, logarithmic and square root scale'],
  ['U', 'switch between units and channels'],
  ['Ctrl Z, Ctrl Y', 'undo, redo (also Back and Forward of the browser)'],
  ['P', 'pause, resume'],
  ['T', 'go to the time line of the recording'],
  ['← →', 'on the time line: the publication before or after (Shift: the run)'],
  ['Page ↑ ↓, Home, End', 'on the time line: move further, to its ends'],
  ['B', 'back to live'],
  ['A', 'trends and alarms'],
  ['N', 'switch between spectra and network'],
];

const POINTER: Rows = [
  ['Drag', 'zoom into a part'],
  ['Shift drag', 'add a region: net counts, centroid, width, rate, fit'],
  ['Drag a limit or the top of a region', 'move it'],
  ['Drag beside an axis, Alt drag', 'move the visible part (also with the middle button)'],
  ['Click, drag, Shift click', 'while drawing a gate: add a point, move one, remove one'],
  ['Wheel', 'zoom in, zoom out'],
  ['Shift wheel, wheel sideways', 'move the visible part'],
  ['Double click', 'show all channels'],
  ['Escape', 'end a drag without its effect'],
  ['Click a peak mark', 'fit the peak'],
  ['Drag a title', 'move the plot on the board'],
];

const TOUCH: Rows = [
  ['Swipe up or down', 'scroll the page'],
  ['Swipe sideways', 'move the visible part'],
  ['Two fingers', 'zoom and move the visible part'],
  ['Long press', 'mark a region: move the finger, or drag its limits later'],
  ['Tap', 'show the counts'],
];

export function showHelp(): void {
  const rows = (pairs: Rows): HTMLElement =>
    element(
      'dl',
      {},
      ...pairs.flatMap(([key, effect]) => [element('dt', {}, key), element('dd', {}, effect)]),
    );
  const dialog = element(
    'dialog',
    { class: 'help', 'aria-label': 'Keys and help' },
    element('h2', {}, 'Keys'),
    rows(KEYS),
    element('h2', {}, 'Pointer'),
    rows(POINTER),
    element('h2', {}, 'Fingers'),
    rows(TOUCH),
    element('p', {}, 'Keys are for the plot under the pointer, or for the one that has the focus.'),
    element('p', {}, 'The address bar always has the state of the page: copy it to share the page.'),
    element('form', { method: 'dialog' }, element('button', { class: 'primary' }, 'Close')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  // The focus is on the button at the end.
  dialog.scrollTop = 0;
}
