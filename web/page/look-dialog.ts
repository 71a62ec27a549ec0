/**
 * The dialog for scale and colours of a plot: limits of the counts by hand, threshold, palette,
 * logarithmic x axis. `dialogs.ts` exports it. Changes the plot as soon as something is typed;
 * adds a dialog to the document until it is closed.
 */
import { PALETTE_NAMES, type PaletteName } from '../../plotting/palettes.js';
import { DEFAULT_LOOK, type PlotLook } from '../view/plot-look.js';
import { labelled, numberField, openDialog } from './dialog.js';
import { element, selectBox, setText } from './dom.js';
import type { PlotHandle } from './plot-interface.js';

const PALETTE_TEXTS: Readonly<Record<PaletteName, string>> = {
  viridis: 'Viridis',
  magma: 'Magma',
  grey: 'Grey',
  jet: 'Jet',
};

export function showLookDialog(plot: PlotHandle): void {
  const { look } = plot.spec;
  const note = element('p', { class: 'hint', role: 'status' });
  const change = (part: Partial<PlotLook>): void => {
    const changed = { ...plot.spec.look, ...part };
    plot.change({ look: changed });
    const { low, high } = changed;
    const isEmpty = low !== undefined && high !== undefined && low >= high;
    setText(note, isEmpty ? 'The lowest count is not below the highest, and is not used.' : '');
  };
  const palettes = selectBox(
    'Palette',
    PALETTE_NAMES.map((name) => [name, PALETTE_TEXTS[name]] as const),
    look.palette,
    (palette) => change({ palette }),
  );
  const logX = element('input', { type: 'checkbox', checked: look.logX });
  logX.addEventListener('change', () => change({ logX: logX.checked }));
  openDialog(
    'Scale and colours',
    [
      numberField('Lowest count', look.low, (low) => change({ low })),
      numberField('Highest count', look.high, (high) => change({ high })),
      numberField('Hide channels below', look.threshold, (threshold) => change({ threshold })),
      plot.isOneDimensional ? labelled('Logarithmic x axis', logX) : labelled('Palette', palettes),
      note,
    ],
    [],
  )
    .querySelector('form')
    ?.prepend(element('button', { onclick: () => plot.change({ look: DEFAULT_LOOK }) }, 'Reset'), ' ');
}
