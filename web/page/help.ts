/**
 * The help dialog: keys and pointer gestures, as `plot-input.ts`, `spectrum-list.ts` and `main.ts`
 * implement them. `main.ts` opens it. Adds a dialog to the document until it is closed.
 */
import { element } from './dom.js';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search the list of spectra'],
  ['↑ ↓, Enter', 'in the list: select a spectrum, show it'],
  ['Shift Enter', 'in the list: overlay it on the last plot'],
  ['+ or Alt Enter', 'in the list: show it in a new plot'],
  ['Tab', 'go to the next plot or button'],
  ['← →', 'on a plot: move the cursor (also ↑ ↓ on 2-D)'],
  ['Shift ← →', 'on a plot: move the visible part'],
  ['+  −  0', 'on a plot: zoom in, zoom out, show all'],
  ['R … R', 'begin and end a region at the cursor'],
  ['G', 'select the next region'],
  ['[ ]', 'move the selected region by a channel'],
  ['{ }', 'narrow or widen the selected region'],
  ['Delete', 'remove the selected region'],
  ['L', 'switch between linear, logarithmic and square root scale'],
  ['U', 'switch between units and channels'],
  ['P', 'pause, resume'],
  ['N', 'switch between spectra and network'],
];

const POINTER: readonly (readonly [string, string])[] = [
  ['Drag', 'zoom into a part'],
  ['Shift drag', 'add a region: net counts, centroid, width, rate, fit'],
  ['Drag a limit or the top of a region', 'move it'],
  ['Click a peak mark', 'fit the peak'],
  ['Alt drag', 'move the visible part'],
  ['Wheel', 'zoom in, zoom out'],
  ['Double click', 'show all channels'],
  ['Drag a title', 'move the plot on the board'],
];

export function showHelp(): void {
  const rows = (pairs: typeof KEYS): HTMLElement =>
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
    element('p', {}, 'The address bar always has the state of the page: copy it to share the page.'),
    element('form', { method: 'dialog' }, element('button', { class: 'primary' }, 'Close')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
