/** Finding spectra: by a part of the name, by a glob as in SpecTcl, by type. Pure. */
import { globMatcher } from '../../protocol/spectcl/glob.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';

export type TypeTag = '1D' | '2D' | 'gated';

/**
 * A test for names, whatever the case: names that contain the text, and names that a glob pattern
 * matches as a whole where the text is one. Names such as raw[00] contain what looks like a
 * pattern.
 */
export function nameMatcher(search: string): (name: string) => boolean {
  const text = search.trim().toLowerCase();
  const contains = (name: string): boolean => name.toLowerCase().includes(text);
  if (!/[*?[]/.test(text)) return contains;
  const isMatch = globMatcher(text);
  return (name) => contains(name) || isMatch(name.toLowerCase());
}

export function tagMatcher(tags: ReadonlySet<TypeTag>): (info: SpectrumInfo) => boolean {
  const dimensions = [...(tags.has('1D') ? [1] : []), ...(tags.has('2D') ? [2] : [])];
  return (info) =>
    (dimensions.length === 0 || dimensions.includes(info.dimensions)) &&
    (!tags.has('gated') || info.gate !== undefined);
}
