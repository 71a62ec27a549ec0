/**
 * The keys that work anywhere on the page: undo and redo, and one letter for each part of the page.
 * `ViewerPage` starts it with what the keys do; `help.ts` lists them. Listens to the keys of the
 * document; keys in fields, and all keys while a dialog is open, stay with those.
 */
import { showHelp } from './help.js';

export interface PageKeyActions {
  /** A key of the board of plots; returns false where that has no function for it. */
  plotKey(event: KeyboardEvent): boolean;
  search(): void;
  togglePause(): void;
  /** Returns false where nothing is recorded. */
  focusTimeline(): boolean;
  showPresent(): void;
  showTrends(): void;
  switchView(): void;
  undo(): void;
  redo(): void;
}

export function listenForKeys(actions: PageKeyActions): void {
  // Before the list, which has keys of its own.
  addEventListener('keydown', (event) => handleKey(event, actions), { capture: true });
}

function handleKey(event: KeyboardEvent, actions: PageKeyActions): void {
  const { target } = event;
  const inField =
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement;
  if (inField || event.altKey || document.querySelector('dialog') !== null) return;
  if (event.ctrlKey || event.metaKey) {
    const key = event.key.toLowerCase();
    if (key === 'z' && !event.shiftKey) actions.undo();
    else if (key === 'y' || key === 'z') actions.redo();
    else return;
  } else if (!handlePlainKey(event, actions)) return;
  event.preventDefault();
  event.stopPropagation();
}

/** Returns false for a key that has no function. */
function handlePlainKey(event: KeyboardEvent, actions: PageKeyActions): boolean {
  if (actions.plotKey(event)) return true;
  switch (event.key) {
    case '/':
      actions.search();
      return true;
    case 'p':
      actions.togglePause();
      return true;
    case 't':
      return actions.focusTimeline();
    case 'b':
      actions.showPresent();
      return true;
    case 'a':
      actions.showTrends();
      return true;
    case 'n':
      actions.switchView();
      return true;
    case '?':
      showHelp();
      return true;
    default:
      return false;
  }
}
