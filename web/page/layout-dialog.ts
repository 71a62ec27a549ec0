/**
 * The dialog of layouts: saves the plots of the page under a name, opens and removes what is saved.
 * `layouts.ts` opens it and does the work. Adds a dialog to the document until it is closed.
 */
import { isLayoutName } from '../wire/layout.js';
import { element } from './dom.js';

export interface LayoutChoices {
  readonly names: readonly string[];
  /** The layout that the page shows, also where it was changed since. */
  readonly opened: string | undefined;
  open(name: string): void;
  keep(name: string): void;
  remove(name: string): void;
}

export function showLayoutDialog({ names, opened, open, keep, remove }: LayoutChoices): void {
  const button = (text: string, label: string, run: () => void, style = ''): HTMLElement => {
    const onclick = (): void => {
      dialog.close();
      run();
    };
    return element('button', { type: 'button', class: style, 'aria-label': label, onclick }, text);
  };
  const name = element('input', {
    'aria-label': 'Name of the layout',
    maxlength: '40',
    value: opened ?? '',
    autofocus: true,
  });
  const hint = element('p', { class: 'hint', role: 'status' });
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const wanted = name.value.trim();
    if (!isLayoutName(wanted)) {
      hint.textContent = 'A name has 1 to 40 characters.';
      return;
    }
    dialog.close();
    keep(wanted);
  };
  const dialog: HTMLDialogElement = element(
    'dialog',
    { class: 'help layout-dialog', 'aria-label': 'Layouts' },
    element('h2', {}, 'Layouts'),
    element('p', {}, 'Save the plots of the page under a name, for all who open this application.'),
    element('form', { onsubmit: save }, name, ' ', element('button', { class: 'primary' }, 'Save'), hint),
    element(
      'ul',
      {},
      ...names.map((saved) =>
        element(
          'li',
          {},
          button(saved, `Open ${saved}`, () => open(saved), 'layout-open'),
          button('Remove', `Remove ${saved}`, () => remove(saved)),
        ),
      ),
    ),
    element('form', { method: 'dialog' }, element('button', {}, 'Close')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
