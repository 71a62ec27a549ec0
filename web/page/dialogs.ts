/**
 * The dialogs that are not needed at once, about a plot and about SpecTcl: the entry of a script of
 * its own, which the page loads at the first use (`load-dialogs.ts`). Creates dialogs.
 */
export { showCompareDialog } from './compare-dialog.js';
export { showLookDialog } from './look-dialog.js';
export { showNewProjectionDialog } from './new-projection-dialog.js';
export { showNewSpectrumDialog } from './new-spectrum-dialog.js';
export { showProjectionDialog } from './projection-dialog.js';
export { showRecordDialog } from './record-dialog.js';
export { showZeroDialog } from './zero-dialog.js';
