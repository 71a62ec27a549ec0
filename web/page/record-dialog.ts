/**
 * The dialog that shows who changed SpecTcl. `dialogs.ts` exports it. Asks the server; adds a
 * dialog to the document until it is closed.
 */
import type { ChangeRecordLine } from '../../protocol/spectcl/change-record.js';
import { momentText } from '../view/moment.js';
import { openDialog } from './dialog.js';
import { element } from './dom.js';

export async function showRecordDialog(app: string): Promise<void> {
  const place = element('div', { class: 'record', role: 'region', 'aria-label': 'Changes', tabindex: '0' });
  openDialog(`Changes of SpecTcl of ${app}`, [place]);
  const changes = await recordedChanges(app);
  if (typeof changes === 'string') return place.replaceChildren(element('p', {}, changes));
  if (changes.length === 0) return place.replaceChildren(element('p', {}, 'No page has changed it yet.'));
  place.replaceChildren(
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element('tr', {}, ...['Time', 'From', 'Change'].map((text) => element('th', { scope: 'col' }, text))),
      ),
      element('tbody', {}, ...changes.map(rowOf)),
    ),
  );
}

function rowOf({ timeMs, who, address, change, done, reason }: ChangeRecordLine): HTMLElement {
  const cells = [
    momentText(timeMs),
    `${who} at ${address}`,
    done ? change : `${change}: not done, ${reason}`,
  ];
  return element('tr', {}, ...cells.map((text) => element('td', {}, text)));
}

async function recordedChanges(app: string): Promise<readonly ChangeRecordLine[] | string> {
  try {
    const response = await fetch(`/api/changes?${new URLSearchParams({ app })}`);
    const answer = (await response.json()) as {
      changes?: readonly ChangeRecordLine[];
      error?: { message: string };
    };
    return answer.changes ?? answer.error?.message ?? 'The server gave no answer.';
  } catch {
    return 'The server of the web viewer does not answer.';
  }
}
