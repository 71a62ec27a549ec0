/**
 * The address of the document that draws with JSROOT, and the counts that the page hands over to
 * it. The page (`plot-files.ts`) writes both, the document (`jsroot-page.ts`) reads them. Opens a
 * tab; uses the browser's storage of the session, of which the new tab has a copy of its own.
 */
import { jsonOf, readJson } from '../../plotting/files/json.js';
import type { SavedSpectrum } from '../../plotting/files/saved-spectrum.js';

/** Names of the query of the address. */
const [APP, SPECTRUM, COUNTS] = ['app', 'spectrum', 'counts'];
const STORAGE_KEY = 'mirrorflow-jsroot-';

/**
 * `counts`: the spectra as the page has them; undefined: the document asks the server. Throws with
 * the reason when the browser refuses.
 */
export function openJsroot(
  app: string,
  names: readonly string[],
  counts: readonly SavedSpectrum[] | undefined,
): void {
  const words = new URLSearchParams({ [APP]: app });
  for (const name of names) words.append(SPECTRUM, name);
  const key = `${STORAGE_KEY}${Date.now()}`;
  if (counts !== undefined) {
    keep(key, `[${counts.map((spectrum) => jsonOf(spectrum)).join()}]`);
    words.set(COUNTS, key);
  }
  try {
    if (open(`/jsroot.html?${words}`) === null)
      throw new Error('The browser has blocked the tab of JSROOT: allow pop-ups of this page.');
  } finally {
    sessionStorage.removeItem(key);
  }
}

function keep(key: string, counts: string): void {
  try {
    sessionStorage.setItem(key, counts);
  } catch (error) {
    throw new Error('The counts are too many to hand over: resume, and open the newest ones.', {
      cause: error,
    });
  }
}

/** The spectra in the order of the plot; throws with the reason of the server or the browser. */
export async function readCounts(search: string): Promise<readonly SavedSpectrum[]> {
  const names = new URLSearchParams(search).getAll(SPECTRUM);
  const spectra = readJson(await readText(search));
  return spectra.toSorted((one, other) => names.indexOf(one.name) - names.indexOf(other.name));
}

/** The spectra as JSON. */
async function readText(search: string): Promise<string> {
  const words = new URLSearchParams(search);
  const key = words.get(COUNTS);
  if (key !== null) {
    const kept = key.startsWith(STORAGE_KEY) ? sessionStorage.getItem(key) : null;
    if (kept === null) throw new Error('These counts are no longer there: open JSROOT from the plot again.');
    return kept;
  }
  const parameters = new URLSearchParams({ app: words.get(APP) ?? '', format: 'json' });
  for (const name of words.getAll(SPECTRUM)) parameters.append('spectrum', name);
  const answer = await fetch(`/api/save?${parameters}`);
  if (answer.ok) return answer.text();
  const { error } = (await answer.json()) as { error: { message: string } };
  throw new Error(`The spectra cannot be read: ${error.message}.`);
}
