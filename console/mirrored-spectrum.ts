/**
 * One spectrum of a mirror, by name and in one publication. `mirrorflow show`, `fit` and `peaks`
 * call it. Reads the mirror it is given.
 */
import type { Mirror, Spectrum } from '../client-lib/index.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { closest } from './suggest.js';

/** Names that an error lists; the rest is only counted. */
const NAMES_SHOWN = 10;

/** A text that differs for each publication and each state of the mirror. */
export function versionOf(mirror: Mirror): string {
  return `${mirror.published} ${mirror.state}`;
}

/** Runs `use` on the spectrum in one publication. Throws UNKNOWN_SPECTRUM with existing names. */
export function withSpectrum<T>(
  mirror: Mirror,
  name: string,
  use: (spectrum: Spectrum, meta: { readonly sequence: number; readonly timestampNs: number }) => T,
): T {
  const answer = mirror.read((view, meta) => {
    const spectrum = view.find(name);
    if (spectrum === undefined) return { names: view.list().map((existing) => existing.name) };
    return { result: use(spectrum, meta) };
  });
  if (answer.names === undefined) return answer.result;
  const { names } = answer;
  const suggestion = closest(name, names);
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  const existing =
    names.length === 0 ? 'there are none' : `there are ${names.slice(0, NAMES_SHOWN).join(', ')}${more}`;
  throw new MirrorflowError('UNKNOWN_SPECTRUM', `there is no spectrum ${JSON.stringify(name)}; ${existing}`, {
    name,
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}
