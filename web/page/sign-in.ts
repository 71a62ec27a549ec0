/**
 * The sign-in form, which sends the shared secret to the server. `main.ts` shows it as a page
 * where viewing needs signing in, `sign-in-dialog.ts` where only starting and stopping applications
 * does. Creates elements, and sends HTTP requests to the page's own server.
 */
import { element, setText } from './dom.js';

export interface Session {
  readonly mayLook: boolean;
  readonly signedIn: boolean;
  readonly hasSecret: boolean;
}

/** What this browser may do, as the server reports it. */
export async function readSession(): Promise<Session> {
  const response = await fetch('/session', { cache: 'no-store' });
  return (await response.json()) as Session;
}

export async function signOut(): Promise<void> {
  await fetch('/sign-out', { method: 'POST' });
}

/** `done` is called when the server has accepted the secret. `heading`: its level on the page. */
export function signInForm(heading: 'h1' | 'h2', done: () => void): HTMLFormElement {
  const secret = element('input', {
    type: 'password',
    name: 'secret',
    autocomplete: 'current-password',
    required: true,
    'aria-label': 'Shared secret',
    placeholder: 'Shared secret',
  });
  const problem = element('p', { class: 'problem', role: 'alert' });
  const form = element(
    'form',
    { class: 'sign-in' },
    element(heading, {}, 'Sign in'),
    element('p', {}, 'Enter the shared secret. The administrator of the host server has it.'),
    secret,
    problem,
    element('button', { type: 'submit', class: 'primary' }, 'Sign in'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void sendSecret(secret.value).then((reason) => {
      setText(problem, reason ?? '');
      if (reason === undefined) done();
      else secret.select();
    });
  });
  return form;
}

/** Undefined when the server accepted the secret, else the reason. */
async function sendSecret(secret: string): Promise<string | undefined> {
  try {
    const response = await fetch('/sign-in', { method: 'POST', body: secret });
    if (response.ok) return undefined;
    const { error } = (await response.json().catch(() => ({}))) as { error?: string };
    return error ?? `The server answered with status ${response.status}.`;
  } catch {
    return 'The server does not answer.';
  }
}
