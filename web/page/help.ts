/** Keys and gestures, in a dialog. */
import { element } from './dom.js';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search the list of spectra'],
  ['↑ ↓, Enter', 'in the list: choose a spectrum, show it'],
  ['Shift Enter', 'draw it over the last plot'],
  ['+ or Alt Enter', 'show it beside the others'],
  ['Tab', 'to the next plot or button'],
  ['← →', 'on a plot: move the cursor (↑ ↓ too on 2-D)'],
  ['Shift ← →', 'move the part that is shown'],
  ['+  −  0', 'closer, farther, everything'],
  ['R … R', 'begin and end a region at the cursor'],
  ['Delete', 'remove the region'],
  ['L', 'linear, logarithmic, square root'],
  ['U', 'units or channels'],
  ['P', 'pause, go on'],
  ['N', 'spectra or network'],
];

const HAND: readonly (readonly [string, string])[] = [
  ['Drag', 'show a part'],
  ['Shift drag', 'region of interest: sum, centroid, width'],
  ['Alt drag', 'move the part that is shown'],
  ['Wheel', 'closer, farther'],
  ['Double click', 'show everything'],
  ['Drag a title', 'another place on the board'],
];

export function showHelp(): void {
  const rows = (pairs: typeof KEYS): HTMLElement =>
    element('dl', {}, ...pairs.flatMap(([key, what]) => [element('dt', {}, key), element('dd', {}, what)]));
  const dialog = element(
    'dialog',
    { class: 'help', 'aria-label': 'Keys and help' },
    element('h2', {}, 'Keys'),
    rows(KEYS),
    element('h2', {}, 'Hand'),
    rows(HAND),
    element(
      'p',
      {},
      'The address bar always holds what is shown: copy it to give the page to somebody else.',
    ),
    element('form', { method: 'dialog' }, element('button', { class: 'primary' }, 'Close')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
