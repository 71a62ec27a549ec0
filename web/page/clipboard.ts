/**
 * Copies a text to the clipboard of the browser; pages over HTTP from another machine may not use
 * the newer way. Used by the region table. Creates an invisible field for a moment.
 */
import { element } from './dom.js';

export async function copyText(text: string): Promise<void> {
  if (isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = element('textarea', { class: 'copy-source', 'aria-hidden': 'true' });
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
