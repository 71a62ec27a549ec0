/** Tcl's rules are written out in `tclMatches`, a copy of the recursion in Tcl's C source. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { globMatcher, literalGlob } from '../../../protocol/spectcl/glob.js';

const matches = (pattern: string, text: string): boolean => globMatcher(pattern)(text);

/** `Tcl_StringCaseMatch` of Tcl 8.6: exponential in the number of stars. */
function tclMatches(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const [element] = pattern;
  if (element === '*')
    return tclMatches(pattern.slice(1), text) || (text !== '' && tclMatches(pattern, text.slice(1)));
  if (text === '') return false;
  if (element === '?') return tclMatches(pattern.slice(1), text.slice(1));
  if (element === '\\') return pattern[1] === text[0] && tclMatches(pattern.slice(2), text.slice(1));
  if (element !== '[') return element === text[0] && tclMatches(pattern.slice(1), text.slice(1));
  const character = text[0]!;
  let rest = pattern.slice(1);
  for (;;) {
    if (rest === '' || rest.startsWith(']')) return false;
    const first = rest[0]!;
    rest = rest.slice(1);
    if (!rest.startsWith('-')) {
      if (first === character) break;
      continue;
    }
    const last = rest[1];
    if (last === undefined) return false;
    rest = rest.slice(2);
    if ((first <= character && character <= last) || (last <= character && character <= first)) break;
  }
  const end = rest.indexOf(']');
  return tclMatches(end < 0 ? '' : rest.slice(end + 1), text.slice(1));
}

describe('a glob pattern', () => {
  // Each line was checked with the `string match` of tclsh 8.6.
  for (const [pattern, matching, others] of [
    ['*', ['', 'abc'], []],
    ['', [''], ['a']],
    ['a', ['a'], ['ab', 'ba', 'A']],
    ['a*c', ['ac', 'abbc'], ['acb']],
    ['*.b', ['a.b.b'], ['a.b.']],
    ['a?c', ['abc'], ['ac', 'abbc']],
    ['ge.*', ['ge.00.Co-60'], ['age.00']],
    ['*Co*', ['ge.00.Co-60'], ['ge.00.Cs']],
    ['[a-c]x', ['bx'], ['dx', '-x']],
    ['[z-a]', ['m'], ['A']],
    ['[xyz]', ['y'], ['a', 'xyz']],
    ['[^a]', ['^', 'a'], ['b']],
    ['ge.[02]', ['ge.0', 'ge.2'], ['ge.1']],
    ['raw[00]', ['raw0'], ['raw[00]', 'raw00']],
    [String.raw`raw\[00\]`, ['raw[00]'], ['raw0']],
    [String.raw`a\*b`, ['a*b'], ['axb']],
    ['[]a]', [], ['a', ']', 'a]']],
    ['[abc', ['a', 'c'], ['d', '[abc']],
    ['[a-]', ['a', ']', '_'], ['-']],
    ['[ab-]c]', ['ac]'], ['bc', 'cc]']],
    ['[', [], ['', '[']],
    ['a\\', [], ['a', 'a\\']],
    ['?', ['ä', '😀'], ['']],
  ] as const) {
    it(`${JSON.stringify(pattern)} matches the texts that Tcl's string match does`, () => {
      for (const text of matching) expect(matches(pattern, text), text).to.equal(true);
      for (const text of others) expect(matches(pattern, text), text).to.equal(false);
    });
  }

  it('of any characters matches the texts that Tcl matches', () => {
    const string = (characters: string, maxLength: number) =>
      fc.array(fc.constantFrom(...Array.from(characters)), { maxLength }).map((all) => all.join(''));
    fc.assert(
      fc.property(string('ab*?[]-\\^', 10), string('ab]-[', 6), (pattern, text) => {
        expect(matches(pattern, text)).to.equal(tclMatches(pattern, text));
      }),
      { numRuns: 20_000 },
    );
  });

  it('of a literal text matches that text alone', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        expect(matches(literalGlob(text), text)).to.equal(true);
        expect(matches(literalGlob(text), other)).to.equal(text === other);
      }),
    );
  });

  it('can be tested against one text after the other', () => {
    const isDetector = globMatcher('ge.*');
    expect(['ge.1', 'raw', 'ge.2'].map((name) => isDetector(name))).to.deep.equal([true, false, true]);
  });

  it('with hundreds of stars takes no longer than its length times the length of the text', () => {
    expect(matches('*a'.repeat(200), `${'a'.repeat(5_000)}b`)).to.equal(false);
    expect(matches(`${'*a'.repeat(60)}b`, 'a'.repeat(127))).to.equal(false);
  });
});
