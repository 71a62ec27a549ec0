/**
 * Splits compiled JavaScript into tokens with their places, as far as mutations need it: words
 * (names and keywords), numbers, strings (templates included, each one token with all it contains),
 * patterns (regular expressions) and signs (operators, brackets); comments and blanks are left out.
 * Used by mutations.ts. Pure. Covers what the compiler writes and no more.
 */

export type TokenKind = 'word' | 'number' | 'string' | 'pattern' | 'sign';

export interface Token {
  readonly kind: TokenKind;
  /** As in the source, with quotes. */
  readonly text: string;
  /** Place of its first character. */
  readonly start: number;
}

/** Longest first, so that the first match is the whole operator. */
const SIGNS =
  '>>>= ... === !== **= <<= >>= >>> &&= ||= ??= => == != <= >= && || ?? ?. ++ -- += -= *= /= %= &= |= ^= << >> **'.split(
    ' ',
  );
const BLANK = /^#![^\n]*|\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const WORD = /[#A-Za-z_$][\w$]*/y;
const NUMBER = /0[xob][\da-f_]+n?|(?:\d[\d_]*)?\.?\d[\d_]*(?:e[+-]?\d+)?n?/iy;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** Keywords that an operand follows: a slash behind them begins a pattern, no division. */
const BEFORE_OPERAND = new Set(['return', 'typeof', 'case', 'of', 'in']);

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < source.length;) {
    const blank = match(BLANK, source, at);
    if (blank !== '') {
      at += blank.length;
      continue;
    }
    const token = tokenAt(source, at, tokens.at(-1));
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

/** Whether an operand ends with this token, so that what follows is a binary operator. */
export function endsOperand(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'word') return !BEFORE_OPERAND.has(token.text);
  return token.kind !== 'sign' || [')', ']', '}'].includes(token.text);
}

/** The token at `start`; `previous` decides whether a slash divides or begins a pattern. */
function tokenAt(source: string, start: number, previous: Token | undefined): Token {
  if (source[start] === '`') return { kind: 'string', text: templateAt(source, start), start };
  if (source[start] === '/' && !endsOperand(previous)) {
    const pattern = match(PATTERN, source, start);
    if (pattern !== '') return { kind: 'pattern', text: pattern, start };
  }
  for (const [kind, expression] of [
    ['word', WORD],
    ['number', NUMBER],
    ['string', STRING],
  ] as const) {
    const text = match(expression, source, start);
    if (text !== '') return { kind, text, start };
  }
  const sign = SIGNS.find((candidate) => source.startsWith(candidate, start)) ?? source.charAt(start);
  return { kind: 'sign', text: sign, start };
}

/** The text of the template literal at `start`, with the templates in its expressions. */
function templateAt(source: string, start: number): string {
  let at = start + 1;
  let depth = 0;
  while (at < source.length) {
    const character = source[at];
    if (character === '\\') at += 2;
    else if (depth === 0 && character === '`') return source.slice(start, at + 1);
    else if (depth === 0 && source.startsWith('${', at)) {
      depth = 1;
      at += 2;
    } else if (depth > 0 && character === '`') at += templateAt(source, at).length;
    else {
      if (depth > 0 && character === '{') depth += 1;
      if (depth > 0 && character === '}') depth -= 1;
      at += 1;
    }
  }
  return source.slice(start);
}

/** What the sticky expression matches at this place; empty without a match. */
function match(expression: RegExp, source: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(source)?.[0] ?? '';
}
