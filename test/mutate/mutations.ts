/**
 * The faults that can be put into a compiled module, one at a time: an operator, a number, a
 * condition or a statement is changed. Used by the mutation run and its test. Pure: text in, places
 * and replacements out.
 *
 * Not changed: strings and templates (messages), checks at the start of a module (`assert`), log
 * lines, imports and exports.
 */
import { endsOperand, tokensOf, type Token } from './scanner.js';

export interface Mutation {
  /** Place of the first character that is replaced. */
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** Line number, from 1. */
  readonly line: number;
}

/** What replaces each operator. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '++': ['--'],
  '--': ['++'],
  '+=': ['-='],
  '-=': ['+='],
  '??=': ['&&='],
};
/** What replaces a word: constants, and `min` and `max` where they are called as methods. */
const WORDS: Readonly<Record<string, string>> = { true: 'false', false: 'true', min: 'max', max: 'min' };
/** Words with which a statement that may be deleted does not begin. */
const KEPT = new Set(
  'import export const let return if for while do switch case default function class try catch finally else break continue super assert async yield static get set new typeof delete log logger'.split(
    ' ',
  ),
);
/** Signs that make a statement worth deleting. */
const ASSIGNMENTS = new Set(['=', '+=', '-=', '*=', '/=', '%=', '??=', '||=', '&&=', '|=', '&=']);

/** All mutations of a compiled module, in the order of their places. */
export function mutationsOf(source: string): Mutation[] {
  const tokens = tokensOf(source);
  const isClassBody = classBodies(tokens);
  const found: Omit<Mutation, 'line'>[] = [];
  for (const [index, token] of tokens.entries()) {
    if (isInImport(tokens, index)) continue;
    const end = token.start + token.text.length;
    for (const replacement of replacementsOf(tokens, index))
      found.push({ start: token.start, end, replacement });
    if (token.text === 'if' && token.kind === 'word') found.push(...conditions(tokens, index));
    const last = isClassBody[index] === true ? undefined : endOfStatement(tokens, index);
    if (last !== undefined) found.push({ start: token.start, end: last.start, replacement: '' });
  }
  return withLines(source, found);
}

function replacementsOf(tokens: readonly Token[], index: number): readonly string[] {
  const token = tokens[index] as Token;
  const [before, after] = [tokens[index - 1], tokens[index + 1]];
  if (token.kind === 'number') return [nextNumber(token.text)];
  if (token.kind === 'word') {
    if (token.text === 'min' || token.text === 'max')
      return before?.text === '.' && after?.text === '(' ? [WORDS[token.text] as string] : [];
    return Object.hasOwn(WORDS, token.text) && before?.text !== '.' ? [WORDS[token.text] as string] : [];
  }
  if (token.kind !== 'sign') return [];
  if (token.text === '!') return [''];
  if (token.text === '+' || token.text === '-') {
    if (!endsOperand(before) || before?.kind === 'string' || after?.kind === 'string') return [];
    return [token.text === '+' ? '-' : '+'];
  }
  // `&&` beside `??` is no JavaScript.
  if (token.text === '??' && hasOtherNullish(tokens, index)) return [];
  const isOperator = endsOperand(before) || token.text === '++' || token.text === '--';
  return isOperator && Object.hasOwn(OPERATORS, token.text) ? (OPERATORS[token.text] ?? []) : [];
}

/** Whether another `??` stands in the same statement. */
function hasOtherNullish(tokens: readonly Token[], index: number): boolean {
  const isEnd = ({ text, kind }: Token): boolean => kind === 'sign' && [';', '{', '}'].includes(text);
  const end = tokens.findIndex((token, at) => at > index && isEnd(token));
  const start = tokens.findLastIndex((token, at) => at < index && isEnd(token));
  return tokens.slice(start + 1, end).filter(({ text }) => text === '??').length > 1;
}

function nextNumber(text: string): string {
  const plain = text.replaceAll('_', '');
  if (plain.endsWith('n')) return `${BigInt(plain.slice(0, -1)) + 1n}n`;
  return String(Number(plain) + 1);
}

/** The condition of the `if` at `index`, always and never true. */
function conditions(tokens: readonly Token[], index: number): Omit<Mutation, 'line'>[] {
  const open = tokens[index + 1];
  const close = tokens[closing(tokens, index + 1)];
  if (open?.text !== '(' || close === undefined) return [];
  return ['true', 'false'].map((replacement) => ({ start: open.start + 1, end: close.start, replacement }));
}

/** The `;` of the call, assignment or throw that begins at `index`; undefined for all else. */
function endOfStatement(tokens: readonly Token[], index: number): Token | undefined {
  const token = tokens[index] as Token;
  if (token.kind !== 'word' || KEPT.has(token.text)) return undefined;
  const before = tokens[index - 1]?.text;
  const begins = before === undefined || [';', '{', '}'].includes(before);
  if (!begins && token.text !== 'throw') return undefined;
  if (token.text === 'this' && ['#log', 'log'].includes(tokens[index + 2]?.text ?? '')) return undefined;
  let acts = token.text === 'throw';
  for (let at = index + 1; at < tokens.length; at += 1) {
    const { text, kind } = tokens[at] as Token;
    if (kind === 'sign' && (text === '(' || text === '[' || text === '{')) {
      acts ||= text === '(';
      at = closing(tokens, at);
    } else if (kind === 'sign' && (ASSIGNMENTS.has(text) || text === '++' || text === '--')) acts = true;
    else if (text === ';') return acts ? tokens[at] : undefined;
    else if ([':', ',', '}', ')', '=>'].includes(text) && kind === 'sign' && !acts) return undefined;
    else if ((text === '}' || text === ')') && kind === 'sign') return undefined;
  }
  return undefined;
}

/** Index of the bracket that closes the one at `index`. */
function closing(tokens: readonly Token[], index: number): number {
  let depth = 0;
  for (let at = index; at < tokens.length; at += 1) {
    const { text, kind } = tokens[at] as Token;
    if (kind !== 'sign') continue;
    if (['(', '[', '{'].includes(text)) depth += 1;
    if ([')', ']', '}'].includes(text)) depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
}

/** For each token, whether it stands directly in the body of a class. */
function classBodies(tokens: readonly Token[]): boolean[] {
  const stack: boolean[] = [];
  let opensClass = false;
  return tokens.map(({ text, kind }) => {
    const isDirect = stack.at(-1) === true;
    if (kind === 'word' && text === 'class') opensClass = true;
    if (kind !== 'sign') return isDirect;
    if (['{', '(', '['].includes(text)) {
      stack.push(text === '{' && opensClass);
      if (text === '{') opensClass = false;
    } else if (['}', ')', ']'].includes(text)) stack.pop();
    return isDirect;
  });
}

/** Whether the token belongs to an import or a check by `assert`, which are not changed. */
function isInImport(tokens: readonly Token[], index: number): boolean {
  for (let at = index; at >= 0; at -= 1) {
    const { text, kind } = tokens[at] as Token;
    if (kind === 'word' && (text === 'import' || text === 'assert')) return tokens[at - 1]?.text !== '.';
    if (text === ';') return false;
  }
  return false;
}

/** The mutations in the order of their places, with their lines. */
function withLines(source: string, found: Omit<Mutation, 'line'>[]): Mutation[] {
  let line = 1;
  let at = 0;
  return found
    .sort((a, b) => a.start - b.start)
    .map((mutation) => {
      for (; at < mutation.start; at += 1) if (source[at] === '\n') line += 1;
      return Object.assign(mutation, { line });
    });
}

/** The source with this mutation. */
export function mutated(source: string, { start, end, replacement }: Mutation): string {
  return source.slice(0, start) + replacement + source.slice(end);
}
