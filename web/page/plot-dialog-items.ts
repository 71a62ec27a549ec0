/**
 * What the menu of a plot offers with dialogs: comparing, scale and colours, projections within a
 * gate or a contour. The dialogs (`plot-dialogs.ts`) are a script of their own that is loaded at the
 * first use. `plot-menu.ts` calls it.
 */
import type { MenuItem } from './menu.js';
import type * as PlotDialogs from './plot-dialogs.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';

/** Path of that script; the build puts it here. */
declare const PLOT_DIALOGS_PATH: string;

export function dialogItems(plot: PlotHandle, actions: PlotActions): readonly MenuItem[] {
  const item = (text: string, run: (dialogs: typeof PlotDialogs) => void, applies = true) =>
    applies ? [{ text, run: () => void withDialogs(plot, run) }] : [];
  const isMap = plot.info?.dimensions === 2;
  return [
    ...item('Compare …', (dialogs) => dialogs.showCompareDialog(plot), plot.spec.spectra.length > 1),
    ...item('Scale and colours …', (dialogs) => dialogs.showLookDialog(plot)),
    ...item('Project within …', (dialogs) => dialogs.showProjectionDialog(plot, actions), isMap),
  ];
}

/** Runs `use` with the script; a notice says why that fails. */
async function withDialogs(
  { notices }: PlotHandle,
  use: (dialogs: typeof PlotDialogs) => void,
): Promise<void> {
  try {
    use((await import(PLOT_DIALOGS_PATH)) as typeof PlotDialogs);
  } catch (error) {
    notices.show(error instanceof Error ? error.message : String(error));
  }
}
