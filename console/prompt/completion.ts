/**
 * Completes a line of the prompt: commands, options, their choices, and names from the servers.
 *
 * `prompt-session.ts` calls it when the tab key is pressed. Names come from the `NameSource` that
 * it is given; nothing else is touched.
 */
import type { Command, NameKind, Word } from '../command.js';
import { GLOBAL_OPTIONS } from '../command-line.js';
import { TOPICS } from '../reference/topics.js';
import { printable } from '../render/printable.js';
import { quoteWord, splitLine } from './words.js';

/** The present names of a kind, of the application `app` if it is given. Never rejects. */
export type NameSource = (kind: NameKind, app: string | undefined) => Promise<readonly string[]>;

/** The result that node:readline expects: the candidates and the text that they replace. */
export type Completions = [fitting: string[], replaced: string];

/** Words that only the prompt has. */
export const PROMPT_WORDS = ['help', 'exit'] as const;

export async function complete(
  line: string,
  commands: readonly Command[],
  namesOf: NameSource,
): Promise<Completions> {
  const { words, currentWordStart: lastStart } = splitLine(line);
  const replaced = line.slice(lastStart);
  const previous = replaced === '' ? words : words.slice(0, -1);
  const prefix = replaced === '' ? '' : (words.at(-1) ?? '');
  const candidates = await candidatesFor(previous, prefix, commands, namesOf);
  // Names come from a SpecTcl that any user may have written to: names with characters that a
  // terminal interprets are not offered.
  const plain = candidates.filter((candidate) => printable(candidate) === candidate);
  const fitting = plain.filter((candidate) => candidate.startsWith(prefix)).map(quoteWord);
  // A space after a single candidate lets the next word begin.
  return [fitting.length === 1 ? [`${fitting[0]} `] : fitting, replaced];
}

async function candidatesFor(
  previous: readonly string[],
  prefix: string,
  commands: readonly Command[],
  namesOf: NameSource,
): Promise<readonly string[]> {
  const names = commands.map(({ name }) => name);
  const [first, ...rest] = previous;
  if (first === undefined) return [...names, ...PROMPT_WORDS];
  if (first === 'help') return rest.length === 0 ? [...names, ...TOPICS.map(({ name }) => name)] : [];
  const command = commands.find(({ name }) => name === first);
  if (command === undefined) return [];
  const options: Readonly<Record<string, Word>> = { ...command.options, ...GLOBAL_OPTIONS };
  const app = valueOf('--app', rest);
  const option = optionAt(rest.at(-1), options);
  if (option?.type === 'string') return valuesOf(option, app, namesOf);
  if (prefix.startsWith('-')) {
    const present = new Set(rest);
    return [...Object.keys(options), 'help'].map((name) => `--${name}`).filter((name) => !present.has(name));
  }
  const position = positionalsIn(rest, options);
  const positionals = Object.values(command.positionals);
  const last = positionals.at(-1);
  const positional = positionals[position] ?? (last?.array === true ? last : undefined);
  return positional === undefined ? [] : valuesOf(positional, app, namesOf);
}

async function valuesOf(
  { choices, completes }: Word,
  app: string | undefined,
  namesOf: NameSource,
): Promise<readonly string[]> {
  if (choices !== undefined) return choices;
  return completes === undefined || completes === 'file' ? [] : namesOf(completes, app);
}

function valueOf(option: string, words: readonly string[]): string | undefined {
  const joined = words.find((word) => word.startsWith(`${option}=`));
  if (joined !== undefined) return joined.slice(option.length + 1);
  const at = words.indexOf(option);
  return at < 0 ? undefined : words[at + 1];
}

/** The option whose name is `word`. */
function optionAt(word: string | undefined, options: Readonly<Record<string, Word>>): Word | undefined {
  const name = word?.startsWith('--') === true ? word.slice(2) : '';
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

/** Number of words that are neither options nor their values. */
function positionalsIn(words: readonly string[], options: Readonly<Record<string, Word>>): number {
  return words.filter((word, index) => {
    if (word.startsWith('-')) return false;
    return optionAt(words[index - 1], options)?.type !== 'string';
  }).length;
}
