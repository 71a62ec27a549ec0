/**
 * The dialogs about one plot that are not needed at once: the entry of a script of its own, which
 * the page loads at the first use (`plot-dialog-items.ts`). Creates dialogs.
 */
export { showCompareDialog } from './compare-dialog.js';
export { showLookDialog } from './look-dialog.js';
export { showProjectionDialog } from './projection-dialog.js';
