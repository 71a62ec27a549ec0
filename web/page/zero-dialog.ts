/**
 * The dialog that zeroes spectra of SpecTcl: it says how many spectra and counts go before it does
 * anything. `dialogs.ts` exports it. Asks the server for the counts and sends changes; adds a
 * dialog to the document until it is closed.
 */
import { formatCount } from '../../plotting/numbers.js';
import { labelled, openDialog } from './dialog.js';
import { element, selectBox, setText } from './dom.js';
import type { Notices } from './notices.js';
import { sendChange } from './send-change.js';

export interface ZeroChoice {
  readonly text: string;
  /** Undefined for all spectra. */
  readonly names: readonly string[] | undefined;
}

interface Sums {
  readonly spectra: number;
  readonly counts: number;
}

/** All spectra of the application can be chosen besides `choices`. */
export function showZeroDialog(app: string, choices: readonly ZeroChoice[], notices: Notices): void {
  const all: ZeroChoice = { text: `All spectra of ${app}`, names: undefined };
  const offered = [...choices, all];
  let chosen = offered[0] ?? all;
  const note = element('p', { class: 'hint', role: 'status' });
  const button = element('button', { type: 'button', class: 'primary' }, 'Zero');
  const ask = async (): Promise<void> => {
    const asked = chosen;
    button.disabled = true;
    setText(note, 'Counting …');
    const sums = await sumsOf(app, asked);
    if (asked !== chosen) return;
    button.disabled = typeof sums === 'string';
    setText(note, typeof sums === 'string' ? sums : sumsText(sums));
  };
  const choice = selectBox(
    'Which spectra',
    offered.map(({ text }, index) => [String(index), text] as const),
    '0',
    (index) => {
      chosen = offered[Number(index)] ?? all;
      void ask();
    },
  );
  const dialog = openDialog('Zero counts', [labelled('Which spectra', choice), note], [], 'Cancel');
  button.addEventListener('click', () => {
    button.disabled = true;
    void zero(app, chosen).then((problem) => {
      if (problem !== undefined) {
        button.disabled = false;
        return setText(note, problem);
      }
      dialog.close();
      notices.show('SpecTcl has zeroed the spectra.');
    });
  });
  dialog.querySelector('form')?.prepend(button, ' ');
  void ask();
}

/** One request for each spectrum; ends at the first that is refused. */
async function zero(app: string, { names }: ZeroChoice): Promise<string | undefined> {
  for (const spectrum of names ?? [undefined]) {
    const problem = await sendChange(app, { request: 'spectrum/zero', spectrum });
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function sumsOf(app: string, { names }: ZeroChoice): Promise<Sums | string> {
  const words = new URLSearchParams({ app });
  for (const name of names ?? []) words.append('spectrum', name);
  try {
    const response = await fetch(`/api/sums?${words}`);
    const answer = (await response.json()) as Sums & { error?: { message: string } };
    return answer.error === undefined ? answer : answer.error.message;
  } catch {
    return 'The server of the web viewer does not answer.';
  }
}

function sumsText({ spectra, counts }: Sums): string {
  const which = spectra === 1 ? '1 spectrum loses its' : `${formatCount(spectra)} spectra lose their`;
  return `${which} ${formatCount(counts)} counts, for everybody who uses this SpecTcl. There is no undo.`;
}
