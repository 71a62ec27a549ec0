/**
 * What a request below `/api/` names: the words of its address, the members of its body, its
 * application and its moment, each checked. Every answer to such a request uses it. Asks
 * `Applications` which applications there are.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { isMoment } from '../wire/page-messages.js';
import type { AppWatch } from './app-watch.js';
import type { Applications, MaySee } from './applications.js';

/** The words of a request's address; each at most once. */
export type RequestWords = ReadonlyMap<string, string>;

/** Milliseconds since 1970: the counts of that moment of the recording. */
export const MOMENT_WORD = 'moment';

/** The words of an address; throws BAD_OPTION for one that is given twice. */
export function requestWords(url: string): RequestWords {
  const words = new Map<string, string>();
  for (const [word, value] of new URLSearchParams(url.split('?', 2)[1] ?? '')) {
    if (words.has(word)) throw new MirrorflowError('BAD_OPTION', `${word} is given twice`, { word });
    words.set(word, value);
  }
  return words;
}

/** The value of a word that must be given; throws BAD_OPTION. */
export function required(words: RequestWords, word: string): string {
  const value = words.get(word);
  if (value === undefined || value === '') {
    throw new MirrorflowError('BAD_OPTION', `${word} is missing`, { word });
  }
  return value;
}

/** Throws BAD_OPTION for a word that is not known. */
export function checkWords(words: RequestWords, known: readonly string[]): void {
  for (const word of words.keys()) {
    if (known.includes(word)) continue;
    throw new MirrorflowError('BAD_OPTION', `${word} is unknown; known are ${known.join(', ')}`, { word });
  }
}

/** The value of the word `moment`; throws BAD_OPTION. */
export function momentOf(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  const atMs = Number(text);
  if (isMoment(atMs)) return atMs;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${MOMENT_WORD} is ${JSON.stringify(text)}; it must be whole milliseconds since 1970`,
    { word: MOMENT_WORD },
  );
}

/** The members of a body; throws BAD_OPTION naming `what`. */
export function parsedBody(body: string, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Reported below.
  }
  throw new MirrorflowError('BAD_OPTION', `the body of ${what} is a JSON object`);
}

/** Throws UNKNOWN_APPLICATION, also for one that the page may not see. */
export async function checkedApp(applications: Applications, maySee: MaySee, app: string): Promise<string> {
  if (await applications.knows(app, maySee)) return app;
  throw new MirrorflowError('UNKNOWN_APPLICATION', `there is no application ${JSON.stringify(app)}`, { app });
}

/** The watch of an application that `checkedApp` has accepted; throws LIMIT_REACHED. */
export function availableWatch(applications: Applications, app: string): AppWatch {
  const watch = applications.watch(app);
  if (watch !== undefined) return watch;
  throw new MirrorflowError('LIMIT_REACHED', 'too many applications are watched; retry later', { app });
}
