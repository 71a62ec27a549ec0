/**
 * Loads the script with the dialogs (`dialogs.ts`) at the first use. Menus call it. Shows a notice
 * where the script does not come.
 */
import type * as Dialogs from './dialogs.js';
import type { Notices } from './notices.js';

/** Path of that script; the build puts it here. */
declare const DIALOGS_PATH: string;

export async function withDialogs(notices: Notices, use: (dialogs: typeof Dialogs) => void): Promise<void> {
  try {
    use((await import(DIALOGS_PATH)) as typeof Dialogs);
  } catch (error) {
    notices.show(error instanceof Error ? error.message : String(error));
  }
}
