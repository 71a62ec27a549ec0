/**
 * The dialog that makes a spectrum of SpecTcl from the projection that a plot shows. `dialogs.ts`
 * exports it. Sends a change; adds a dialog to the document until it is closed.
 */
import type { PlotSpec } from '../view/plot-spec.js';
import { labelled, openDialog } from './dialog.js';
import { element, setText } from './dom.js';
import type { PlotHandle } from './plot-interface.js';
import { sendChange } from './send-change.js';

export function showNewProjectionDialog(plot: PlotHandle): void {
  const { app, spec, notices } = plot;
  const { projection, within } = spec;
  const [source = ''] = spec.spectra;
  if (app === undefined || projection === undefined) return;
  const obstacle = obstacleOf(plot);
  const note = element('p', { class: 'hint', role: 'status' }, obstacle ?? '');
  const name = element('input', { value: `${source}.${projection}` });
  const snapshot = element('input', { type: 'checkbox' });
  const create = element('button', { type: 'button', class: 'primary' }, 'Create');
  create.disabled = obstacle !== undefined;
  const dialog = openDialog(
    `Spectrum of SpecTcl from ${source}`,
    [labelled('Name', name), labelled('Keep the counts as they are now', snapshot), note],
    [],
    'Cancel',
  );
  create.addEventListener('click', () => {
    const contour = within !== undefined && 'gate' in within ? within.gate : undefined;
    const projected = { source, name: name.value, direction: projection, contour };
    void sendChange(app, { request: 'project', ...projected, snapshot: snapshot.checked }).then((problem) => {
      if (problem !== undefined) return setText(note, problem);
      dialog.close();
      notices.show(`SpecTcl has made ${name.value}.`);
    });
  });
  dialog.querySelector('form')?.prepend(create, ' ');
}

/** Why SpecTcl cannot make this projection; undefined when it can. */
function obstacleOf({ spec, gateShapes }: PlotHandle): string | undefined {
  const { band, within, sinceMs, rateS }: PlotSpec = spec;
  if (sinceMs !== undefined || rateS !== undefined)
    return 'SpecTcl projects all counts: show all counts first.';
  const isContour =
    within !== undefined &&
    'gate' in within &&
    gateShapes.some(({ name, shape }) => name === within.gate && shape === 'contour');
  if (band === undefined && (within === undefined || isContour)) return undefined;
  return 'SpecTcl projects all channels, or those within one of its contours: make this part a contour first.';
}
