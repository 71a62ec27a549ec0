/**
 * Answers `/api/sums`: how many spectra there are, and the counts in them, before a page zeroes
 * them. `ApiRequests` calls it. Reads the mirror of the application's watch.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Applications, MaySee } from './applications.js';
import { sumOf } from './derive.js';
import { availableWatch, checkedApp } from './request-words.js';
import { untilRead } from './watch-wait.js';

const WORDS = ['app', 'spectrum'];

/**
 * Spectra that the address names, or all without names; those that do not exist are left out.
 * Throws BAD_OPTION, UNKNOWN_APPLICATION, LIMIT_REACHED and TIMED_OUT.
 */
export async function answerSums(applications: Applications, maySee: MaySee, url: string): Promise<object> {
  const words = new URLSearchParams(url.split('?', 2)[1] ?? '');
  const unknown = [...words.keys()].find((word) => !WORDS.includes(word));
  if (unknown !== undefined) {
    throw new MirrorflowError('BAD_OPTION', `${unknown} is unknown; known are ${WORDS.join(', ')}`);
  }
  const app = await checkedApp(applications, maySee, words.get('app') ?? '');
  const watch = availableWatch(applications, app);
  const names = new Set(words.getAll('spectrum'));
  const leave = watch.enter();
  try {
    await untilRead(watch, 'the list of spectra', () => watch.isAttached && watch.listIsKnown);
    const sums = watch.readMirror((view) =>
      view
        .list()
        .filter(({ name }) => names.size === 0 || names.has(name))
        .map(({ counts }) => sumOf(counts)),
    );
    const counts = (sums ?? []).reduce((total, sum) => total + sum, 0);
    return { spectra: sums?.length ?? 0, counts };
  } finally {
    leave();
  }
}
