/**
 * The dialog that saves whole spectra, all channels of one publication: of one plot, of all plots
 * of the page, or all of the application. The server makes the file (`/api/save`).
 * `plot-files.ts` exports it. Adds a dialog to the document until it is closed.
 */
import { SAVE_FORMATS, type SaveFormat } from '../../plotting/files/save-formats.js';
import { momentText, spectrumAtMoment } from '../view/moment.js';
import { parseAddress } from '../view/plot-spec.js';
import { element, selectBox } from './dom.js';
import { download } from './plot-download.js';
import type { PlotHandle } from './plot-interface.js';

type Which = 'plot' | 'visible' | 'all';

const FORMAT_TEXTS: Readonly<Record<SaveFormat, string>> = {
  swrite: 'SpecTcl ASCII (swrite)',
  spe: 'Radware .spe, one dimension',
  csv: 'CSV',
  json: 'JSON',
  npz: 'numpy (npz)',
};

export function showSaveDialog(plot: PlotHandle): void {
  const { app, saved, momentMs } = plot;
  if (app === undefined) return;
  let which: Which = 'plot';
  let format: SaveFormat = 'swrite';
  // Overlays of other moments are not part of the publication.
  const isSaved = (name: string): boolean => !saved.has(name) && spectrumAtMoment(name).atMs === undefined;
  const namesOf = (plots: readonly { readonly spectra: readonly string[] }[]): string[] => [
    ...new Set(plots.flatMap(({ spectra }) => spectra).filter(isSaved)),
  ];
  const save = (): void => {
    const words = new URLSearchParams({ app, format });
    if (which === 'all') words.set('all', 'true');
    if (momentMs !== undefined) words.set('moment', String(momentMs));
    const plots = which === 'plot' ? [plot.spec] : parseAddress(location.hash).plots;
    for (const name of which === 'all' ? [] : namesOf(plots)) words.append('spectrum', name);
    void saveFrom(`/api/save?${words}`, plot);
  };
  const dialog = element(
    'dialog',
    { class: 'help save', 'aria-label': 'Save spectra' },
    element('h2', {}, 'Save spectra'),
    element(
      'p',
      {},
      `All channels in range, all spectra of one publication${
        momentMs === undefined ? '' : `, recorded up to ${momentText(momentMs)}`
      }. Several files come as an archive.`,
    ),
    selectBox<Which>(
      'Which spectra',
      [
        ['plot', 'Of this plot'],
        ['visible', 'Of all plots of the page'],
        ['all', `All of ${app}`],
      ],
      which,
      (value) => (which = value),
    ),
    selectBox<SaveFormat>(
      'Format',
      SAVE_FORMATS.map((name) => [name, FORMAT_TEXTS[name]] as const),
      format,
      (value) => (format = value),
    ),
    element(
      'form',
      { method: 'dialog' },
      element('button', { class: 'primary', onclick: save }, 'Save'),
      ' ',
      element('button', {}, 'Cancel'),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** A notice says why nothing was saved; a plain link would show the error as a page. */
async function saveFrom(url: string, { notices }: PlotHandle): Promise<void> {
  try {
    const answer = await fetch(url);
    if (!answer.ok) {
      const { error } = (await answer.json()) as { error: { message: string } };
      return notices.show(`Nothing was saved: ${error.message}.`);
    }
    const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? '';
    download(await answer.blob(), name);
  } catch {
    notices.show('Nothing was saved: the server of the web viewer does not answer.');
  }
}
