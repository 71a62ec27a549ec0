/**
 * The frame of the dialogs about plots: a heading, what they ask, and the buttons at the end.
 * Adds a dialog to the document until it is closed.
 */
import { element } from './dom.js';

export interface DialogButton {
  readonly text: string;
  /** Called when the dialog closes by this button. */
  readonly run: () => void;
}

/** `last`: text of the button that only closes. The first of `buttons` stands out. */
export function openDialog(
  heading: string,
  content: readonly HTMLElement[],
  buttons: readonly DialogButton[] = [],
  last = 'Close',
): HTMLDialogElement {
  const dialog = element(
    'dialog',
    { class: 'help asking', 'aria-label': heading },
    element('h2', {}, heading),
    ...content,
    element(
      'form',
      { method: 'dialog' },
      ...buttons.flatMap(({ text, run }, index) => [
        element('button', { class: index === 0 ? 'primary' : '', onclick: run }, text),
        ' ',
      ]),
      element('button', { class: buttons.length === 0 ? 'primary' : '' }, last),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A field with its name before it. */
export function labelled(name: string, field: HTMLElement): HTMLElement {
  return element('label', { class: 'field' }, element('span', {}, name), field);
}

/** A field for a number; `changed` receives it, undefined where the field is empty. */
export function numberField(
  name: string,
  value: number | undefined,
  changed: (value: number | undefined) => void,
): HTMLElement {
  const input = element('input', {
    type: 'number',
    step: 'any',
    value: value === undefined ? '' : String(value),
  });
  input.addEventListener('change', () => {
    if (!input.validity.badInput) changed(input.value === '' ? undefined : input.valueAsNumber);
  });
  return labelled(name, input);
}
