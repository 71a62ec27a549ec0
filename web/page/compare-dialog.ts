/**
 * The dialog that compares the spectra of a plot: equal sums, raised above each other, difference
 * or ratio of the first two. `dialogs.ts` exports it. Changes the plot as soon as something is
 * chosen; adds a dialog to the document until it is closed.
 */
import { defaultComparison, type ComparisonKind } from '../view/comparison.js';
import { labelled, numberField, openDialog } from './dialog.js';
import { element, selectBox } from './dom.js';
import type { PlotHandle } from './plot-interface.js';

const NONE = 'none';

/** What the amount of a comparison is; none for one without. */
const AMOUNTS: Readonly<Record<ComparisonKind, string>> = {
  normalise: '',
  offset: 'Counts between two spectra',
  subtract: 'Factor of the second spectrum',
  ratio: 'Factor of the second spectrum',
};

export function showCompareDialog(plot: PlotHandle): void {
  const amount = element('div', {});
  const showAmount = (): void => {
    const { comparison } = plot.spec;
    const name = comparison === undefined ? '' : AMOUNTS[comparison.kind];
    if (comparison === undefined || name === '') return amount.replaceChildren();
    const { kind } = comparison;
    const changed = (value = defaultComparison(kind).amount): void =>
      plot.change({ comparison: { kind, amount: value } });
    amount.replaceChildren(numberField(name, comparison.amount, changed));
  };
  const kinds = selectBox<ComparisonKind | typeof NONE>(
    'Comparison',
    [
      [NONE, 'Over each other'],
      ['normalise', 'Normalised to the sum of the first'],
      ['offset', 'Raised above each other'],
      ['subtract', 'The first minus the second'],
      ['ratio', 'The first divided by the second'],
    ],
    plot.spec.comparison?.kind ?? NONE,
    (kind) => {
      plot.change({ comparison: kind === NONE ? undefined : defaultComparison(kind) });
      showAmount();
    },
  );
  showAmount();
  openDialog(`Compare ${plot.spec.spectra.join(', ')}`, [labelled('Show', kinds), amount]);
}
