/**
 * Asking for the shared secret: as a page where nothing may be seen without it, as a dialog where
 * only acting needs it.
 */
import { element, setText } from './dom.js';

export interface Session {
  readonly mayLook: boolean;
  readonly signedIn: boolean;
  readonly hasSecret: boolean;
}

export async function readSession(): Promise<Session> {
  const response = await fetch('/session', { cache: 'no-store' });
  return (await response.json()) as Session;
}

export async function signOut(): Promise<void> {
  await fetch('/sign-out', { method: 'POST' });
}

/** The form; `done` is called when the server has taken the secret. */
export function signInForm(done: () => void): HTMLFormElement {
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
    element('h1', {}, 'Sign in'),
    element('p', {}, 'The shared secret of this mirrorflow; whoever runs the host server has it.'),
    secret,
    problem,
    element('button', { type: 'submit', class: 'primary' }, 'Sign in'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send(secret.value).then((answer) => {
      setText(problem, answer ?? '');
      if (answer === undefined) done();
      else secret.select();
    });
  });
  return form;
}

/** Undefined when it was right, or why not. */
async function send(secret: string): Promise<string | undefined> {
  try {
    const response = await fetch('/sign-in', { method: 'POST', body: secret });
    if (response.ok) return undefined;
    const { error } = (await response.json()) as { error?: string };
    return error ?? `The server answered ${response.status}.`;
  } catch {
    return 'The server does not answer.';
  }
}
