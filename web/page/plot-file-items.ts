/**
 * What the menu of a plot offers with files: pictures, numbers, whole spectra, printing, opening a
 * saved spectrum, JSROOT, and layouts. The code behind it (`plot-files.ts`) is a script of its own
 * that is loaded at the first use. `plot-menu.ts` calls it.
 */
import { defaultPlot, OVERLAYS_MAX } from '../view/plot-spec.js';
import { element } from './dom.js';
import type { MenuItem } from './menu.js';
import type * as PlotFiles from './plot-files.js';
import type { PlotActions, PlotHandle } from './plot-interface.js';

/** Path of that script; the build puts it here. */
declare const PLOT_FILES_PATH: string;

export function fileItems(plot: PlotHandle, actions: PlotActions): readonly MenuItem[] {
  const item = (text: string, run: (files: typeof PlotFiles) => void | Promise<void>): MenuItem => ({
    text,
    run: () => void withFiles(plot, run),
  });
  const { projection, rateS, sinceMs } = plot.spec;
  const isCounts = projection === undefined && rateS === undefined && sinceMs === undefined;
  return [
    item('Save as PNG', (files) => files.savePng(plot)),
    item('Save as SVG', (files) => files.saveSvg(plot)),
    item('Save as CSV', (files) => files.saveCsv(plot)),
    item('Save as JSON', (files) => files.saveJson(plot)),
    item('Save spectra …', (files) => files.showSaveDialog(plot)),
    { text: 'Open a saved spectrum …', run: () => chooseFiles(plot, actions) },
    ...(plot.hasJsroot && isCounts ? [item('Open in JSROOT', (files) => files.openInJsroot(plot))] : []),
    { text: 'Print …', run: () => print() },
    { text: 'Layouts …', run: () => plot.showLayouts() },
  ];
}

/** Runs `use` with the script; a notice says why that fails. */
async function withFiles(
  { notices }: PlotHandle,
  use: (files: typeof PlotFiles) => void | Promise<void>,
): Promise<void> {
  try {
    await use((await import(PLOT_FILES_PATH)) as typeof PlotFiles);
  } catch (error) {
    notices.show(error instanceof Error ? error.message : String(error));
  }
}

/** The browser opens its dialog only within the user's click, so before the script is loaded. */
function chooseFiles(plot: PlotHandle, actions: PlotActions): void {
  const input = element('input', { type: 'file', multiple: true, hidden: true });
  input.addEventListener('change', () => {
    input.remove();
    void withFiles(plot, async ({ readFiles }) =>
      show(await readFiles(input.files ?? [], plot.saved), plot, actions),
    );
  });
  input.addEventListener('cancel', () => input.remove());
  document.body.append(input);
  input.click();
}

/** Histograms over the plot, as far as it takes them; maps, and the others, in new plots. */
function show(
  opened: readonly { readonly name: string; readonly dimensions: 1 | 2 }[],
  plot: PlotHandle,
  actions: PlotActions,
): void {
  const { spectra } = plot.spec;
  const room = plot.isOneDimensional ? OVERLAYS_MAX - spectra.length : 0;
  const histograms = opened.filter(({ dimensions }) => dimensions === 1).map(({ name }) => name);
  const overlaid = histograms.slice(0, room);
  const others = opened.map(({ name }) => name).filter((name) => !overlaid.includes(name));
  if (overlaid.length > 0) plot.change({ spectra: [...spectra, ...overlaid] });
  if (others.length > 0) actions.add(others.map(defaultPlot));
}
