/**
 * What the menu of a plot offers with dialogs: comparing, scale and colours, projections within a
 * gate or a contour, and changes of its spectra in SpecTcl. `plot-menu.ts` calls it.
 */
import type * as Dialogs from './dialogs.js';
import { withDialogs } from './load-dialogs.js';
import type { MenuItem } from './menu.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';

export function dialogItems(plot: PlotHandle, actions: PlotActions): readonly MenuItem[] {
  const { app, notices, spec, saved } = plot;
  const item = (text: string, run: (dialogs: typeof Dialogs) => void, applies = true): MenuItem[] =>
    applies ? [{ text, run: () => void withDialogs(notices, run) }] : [];
  const isMap = plot.info?.dimensions === 2;
  const names = spec.spectra.filter((name) => !saved.has(name));
  const zeroing = { text: `Of this plot: ${names.join(', ')}`, names };
  return [
    ...item('Compare …', (dialogs) => dialogs.showCompareDialog(plot), spec.spectra.length > 1),
    ...item('Scale and colours …', (dialogs) => dialogs.showLookDialog(plot)),
    ...item('Project within …', (dialogs) => dialogs.showProjectionDialog(plot, actions), isMap),
    ...item(
      'Make a spectrum of SpecTcl …',
      (dialogs) => dialogs.showNewProjectionDialog(plot),
      isMap && spec.projection !== undefined,
    ),
    ...item(
      'Zero counts …',
      (dialogs) => dialogs.showZeroDialog(app ?? '', [zeroing], notices),
      app !== undefined && names.length > 0,
    ),
  ];
}
