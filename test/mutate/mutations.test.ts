/** The faults that a mutation run puts into modules, on small pieces of code. */
import { expect } from 'chai';
import { draw } from './draw.js';
import { mutated, mutationsOf } from './mutations.js';
import { linesOf } from './results.js';
import { tokensOf } from './scanner.js';

/** The module after each of its mutations. */
const after = (source: string): string[] => mutationsOf(source).map((mutation) => mutated(source, mutation));

describe('the mutations of a module', () => {
  it('operators, numbers, conditions and words are changed one at a time', () => {
    expect(after('const a = b < 7;')).to.deep.equal([
      'const a = b <= 7;',
      'const a = b >= 7;',
      'const a = b < 8;',
    ]);
    expect(after('if (!a) x = -1;')).to.have.members([
      'if (true) x = -1;',
      'if (false) x = -1;',
      'if (a) x = -1;',
      'if (!a) x = -2;',
    ]);
    expect(after('let n = 0x1_0n;')).to.deep.equal(['let n = 17n;']);
    expect(after('return Math.min(a, b) && true;')).to.deep.equal([
      'return Math.max(a, b) && true;',
      'return Math.min(a, b) || true;',
      'return Math.min(a, b) && false;',
    ]);
  });

  it('calls, assignments and throws are deleted, declarations and log lines are not', () => {
    expect(after('class A { x = b; f() { this.g(); } }')).to.deep.equal(['class A { x = b; f() { ; } }']);
    expect(after('function f() { this.#a = b; throw new E(c); }')).to.deep.equal([
      'function f() { ; throw new E(c); }',
      'function f() { this.#a = b; ; }',
    ]);
    expect(after('function f() { this.#log.warn(a); const b = g(); }')).to.deep.equal([]);
  });

  it('text, templates, patterns, comments, imports and assertions are not changed', () => {
    const untouched = [
      "import { a } from './1-2.js';",
      "const a = 'b < 1';",
      'const a = `b ${c + `${1 + 2}`} < 3`;',
      'const a = /[/]<1/.b;',
      '// a < 1\n/* b < 2 */',
      'assert.equal(A + 1, 2);',
      "const a = b + 'text';",
    ];
    for (const source of untouched) expect(after(source), source).to.deep.equal([]);
  });

  it('the tokens of a module are its text without blanks and comments', () => {
    const source = 'a.#b ??= c /* x */ >>> 0.5e-3; // y\nreturn /"/.test(`${d}`);';
    expect(tokensOf(source).map(({ text }) => text)).to.deep.equal([
      'a',
      '.',
      '#b',
      '??=',
      'c',
      '>>>',
      '0.5e-3',
      ';',
      'return',
      '/"/',
      '.',
      'test',
      '(',
      '`${d}`',
      ')',
      ';',
    ]);
    for (const { text, start } of tokensOf(source)) expect(source.startsWith(text, start)).to.equal(true);
  });

  it('a mutation knows its line, and shows it before and after', () => {
    const source = 'f();\nif (a)\n  b = 1;\n';
    const [mutation] = mutationsOf(source).filter(({ replacement }) => replacement === '2');
    expect(mutation?.line).to.equal(3);
    expect(mutation === undefined ? {} : linesOf(source, mutation)).to.deep.equal({
      before: 'b = 1;',
      after: 'b = 2;',
    });
  });

  it('a draw has each item at most once, and is the same for the same seed', () => {
    const items = Array.from({ length: 50 }, (_, at) => at);
    const drawn = draw(items, 20, 7);
    expect(new Set(drawn).size).to.equal(20);
    expect(draw(items, 20, 7)).to.deep.equal(drawn);
    expect(draw(items, 20, 8)).not.to.deep.equal(drawn);
    expect(draw(items, 99, 7).sort((a, b) => a - b)).to.deep.equal(items);
  });
});
