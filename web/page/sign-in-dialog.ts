/**
 * The dialog with the sign-in form, for pages that may be viewed without signing in. The header
 * opens it. Adds a dialog to the document until it is closed.
 */
import { element } from './dom.js';
import { signInForm } from './sign-in.js';

export function showSignIn(): void {
  const dialog = element('dialog', { class: 'help', 'aria-label': 'Sign in' });
  dialog.append(
    signInForm('h2', () => location.reload()),
    element('form', { method: 'dialog' }, element('button', {}, 'Cancel')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
