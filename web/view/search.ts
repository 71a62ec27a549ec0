/** Finding spectra: by a part of the name, by a glob as in SpecTcl, by type. Pure. */
import type { SpectrumInfo } from '../wire/messages.js';

export type TypeTag = '1D' | '2D' | 'gated';

/**
 * A test for names: any part, whatever the case; the whole name where `*`, `?` or `[…]` stand in
 * it.
 */
export function nameMatcher(wanted: string): (name: string) => boolean {
  const text = wanted.trim().toLowerCase();
  if (text === '') return () => true;
  if (!/[*?[]/.test(text)) return (name) => name.toLowerCase().includes(text);
  const pattern = new RegExp(`^${globSource(text)}$`, 's');
  // A name that is the very text always passes: names such as raw[00] are common.
  return (name) => name.toLowerCase() === text || pattern.test(name.toLowerCase());
}

export function tagMatcher(tags: ReadonlySet<TypeTag>): (info: SpectrumInfo) => boolean {
  const dimensions = [...(tags.has('1D') ? [1] : []), ...(tags.has('2D') ? [2] : [])];
  return (info) =>
    (dimensions.length === 0 || dimensions.includes(info.dimensions)) &&
    (!tags.has('gated') || info.gate !== undefined);
}

/** As a regular expression. Neighbouring stars are one, so that matching stays short. */
function globSource(glob: string): string {
  return glob
    .replace(/\*+/g, '*')
    .replace(/\[([^\]]+)\]|[.+^${}()|\\[\]*?]/g, (found, inside: string | undefined) => {
      if (inside !== undefined) return `[${inside.replace(/[\\^[\]]/g, String.raw`\$&`)}]`;
      if (found === '*') return '.*';
      return found === '?' ? '.' : `\\${found}`;
    });
}
