/** What the tab key offers: commands, options, their choices, and names that the servers know. */
import type { Command, NameKind, Word } from '../command.js';
import { GLOBAL_OPTIONS } from '../command-line.js';
import { printable } from '../render/printable.js';
import { quoteWord, splitLine } from './words.js';

/** Names of a kind that are known now; of one application where that was said. Never rejects. */
export type NameSource = (kind: NameKind, app: string | undefined) => Promise<readonly string[]>;

/** As node:readline wants it: what fits, and the part of the line it replaces. */
export type Completions = [fitting: string[], replaced: string];

/** Words of the prompt itself. */
export const PROMPT_WORDS = ['help', 'exit'] as const;

export async function complete(
  line: string,
  commands: readonly Command[],
  namesOf: NameSource,
): Promise<Completions> {
  const { words, lastStart } = splitLine(line);
  const replaced = line.slice(lastStart);
  const before = replaced === '' ? words : words.slice(0, -1);
  const begun = replaced === '' ? '' : (words.at(-1) ?? '');
  const candidates = await candidatesFor(before, begun, commands, namesOf);
  // Names come from a SpecTcl that anybody may have written to: what is no plain text is not put on
  // the terminal.
  const plain = candidates.filter((candidate) => printable(candidate) === candidate);
  const fitting = plain.filter((candidate) => candidate.startsWith(begun)).map(quoteWord);
  // Behind the only one that fits the next word may begin.
  return [fitting.length === 1 ? [`${fitting[0]} `] : fitting, replaced];
}

async function candidatesFor(
  before: readonly string[],
  begun: string,
  commands: readonly Command[],
  namesOf: NameSource,
): Promise<readonly string[]> {
  const names = commands.map(({ name }) => name);
  const [first, ...rest] = before;
  if (first === undefined) return [...names, ...PROMPT_WORDS];
  if (first === 'help') return rest.length === 0 ? names : [];
  const command = commands.find(({ name }) => name === first);
  if (command === undefined) return [];
  const options: Readonly<Record<string, Word>> = { ...command.options, ...GLOBAL_OPTIONS };
  const app = valueOf('--app', rest);
  const asked = optionAt(rest.at(-1), options);
  if (asked?.type === 'string') return valuesOf(asked, app, namesOf);
  if (begun.startsWith('-')) {
    const given = new Set(rest);
    return [...Object.keys(options), 'help'].map((name) => `--${name}`).filter((name) => !given.has(name));
  }
  const position = positionalsIn(rest, options);
  const positional = Object.values(command.positionals)[position];
  return positional === undefined ? [] : valuesOf(positional, app, namesOf);
}

async function valuesOf(
  { choices, completes }: Word,
  app: string | undefined,
  namesOf: NameSource,
): Promise<readonly string[]> {
  return choices ?? (completes === undefined ? [] : namesOf(completes, app));
}

function valueOf(option: string, words: readonly string[]): string | undefined {
  const joined = words.find((word) => word.startsWith(`${option}=`));
  if (joined !== undefined) return joined.slice(option.length + 1);
  const at = words.indexOf(option);
  return at < 0 ? undefined : words[at + 1];
}

/** The option that a word names, when its value is to follow. */
function optionAt(word: string | undefined, options: Readonly<Record<string, Word>>): Word | undefined {
  const name = word?.startsWith('--') === true ? word.slice(2) : '';
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

/** How many words are neither options nor their values. */
function positionalsIn(words: readonly string[], options: Readonly<Record<string, Word>>): number {
  return words.filter((word, index) => {
    if (word.startsWith('-')) return false;
    return optionAt(words[index - 1], options)?.type !== 'string';
  }).length;
}
