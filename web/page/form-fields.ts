/**
 * Labelled fields of small forms, and their values. The forms of trends and alarms use it. Creates
 * elements; inserts nothing into the document itself.
 */
import { element } from './dom.js';

/** A label around a field; the label is also the field's accessible name. */
export function labelled(label: string, field: HTMLElement): HTMLElement {
  return element('label', {}, element('span', {}, label), field);
}

export function textInput(value = '', attributes: Readonly<Record<string, string>> = {}): HTMLInputElement {
  return element('input', { type: 'text', value, required: true, ...attributes });
}

/** Any number; `min` where it has a least value. */
export function numberInput(value: number | undefined, min?: number): HTMLInputElement {
  return element('input', {
    type: 'number',
    step: 'any',
    required: true,
    value: value === undefined ? '' : String(value),
    ...(min === undefined ? {} : { min: String(min) }),
  });
}

/** NaN for an empty field. */
export function numberOf({ valueAsNumber }: HTMLInputElement): number {
  return valueAsNumber;
}

/** Shows a field with its label, or takes it out of the form, so that it need not be filled. */
export function setShown(field: HTMLInputElement | HTMLSelectElement, shown: boolean): void {
  field.disabled = !shown;
  const { parentElement } = field;
  if (parentElement !== null) parentElement.hidden = !shown;
}
