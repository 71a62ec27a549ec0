/**
 * Sends a change of SpecTcl to the server (`/api/change`). Dialogs call it. Sends requests over
 * HTTP.
 */
import type { SpecTclChange } from '../wire/changes.js';

interface Refusal {
  readonly error: { readonly message: string; readonly facts?: { readonly status?: unknown } };
}

/** Undefined when it is done, else why not: SpecTcl's own words where it has refused. */
export async function sendChange(app: string, change: SpecTclChange): Promise<string | undefined> {
  try {
    const response = await fetch('/api/change', { method: 'POST', body: JSON.stringify({ app, change }) });
    if (response.ok) return undefined;
    const { message, facts } = ((await response.json()) as Refusal).error;
    return typeof facts?.status === 'string' ? `SpecTcl has refused it: ${facts.status}` : message;
  } catch {
    return 'The server of the web viewer does not answer.';
  }
}
