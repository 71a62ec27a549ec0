/**
 * The address of the page when it was open last in this browser, which a page without an address of
 * its own restores. `AddressBar` keeps it, `main.ts` restores it. Reads and writes the browser's
 * storage, and writes the address bar.
 */
const STORAGE_KEY = 'mirrorflow-address';

export function keepAddress(hash: string): void {
  try {
    localStorage.setItem(STORAGE_KEY, hash);
  } catch {
    // Without storage the bare address starts again.
  }
}

/** Writes the kept address to a bare address bar; returns whether it did. */
export function restoreAddress(): boolean {
  if (location.hash.length > 1) return false;
  const hash = keptAddress();
  if (hash?.startsWith('#/') !== true) return false;
  history.replaceState(null, '', hash);
  return true;
}

function keptAddress(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}
