/**
 * The dialog that asks for the new name of a gate, and says how SpecTcl renames. `PlotGates` opens
 * it. Adds a dialog to the document until it is closed.
 */
import { isSpecTclName } from '../wire/changes.js';
import { element } from './dom.js';

export function showRename(name: string, rename: (to: string) => void): void {
  const field = element('input', { 'aria-label': 'New name of the gate', value: name, autofocus: true });
  const hint = element('p', { class: 'hint', role: 'status' });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const to = field.value.trim();
    if (!isSpecTclName(to) || to === name) {
      hint.textContent = 'Type another name, without braces, quotes and backslashes.';
      return;
    }
    dialog.close();
    rename(to);
  };
  const dialog: HTMLDialogElement = element(
    'dialog',
    { class: 'help', 'aria-label': 'Rename a gate' },
    element('h2', {}, `Rename ${name}`),
    element(
      'p',
      {},
      'SpecTcl cannot rename: the gate is made again under the new name and applied where it was, then the old one is ' +
        'deleted. Gates that combine the old one have to be changed by hand.',
    ),
    element(
      'form',
      { onsubmit: submit },
      field,
      ' ',
      element('button', { class: 'primary' }, 'Rename'),
      hint,
    ),
    element('form', { method: 'dialog' }, element('button', {}, 'Close')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
