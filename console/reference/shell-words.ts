/**
 * What the words of each command line may be, in one table for the completion of both shells.
 *
 * `bash-completion.ts` and `zsh-completion.ts` read it. Pure: made from the declared commands.
 */
import type { Command, NameKind, Word } from '../command.js';
import { GLOBAL_OPTIONS } from '../command-line.js';

/** Where the candidates of a word come from. */
export type Candidates =
  | { readonly kind: 'fixed'; readonly words: readonly string[] }
  | { readonly kind: 'names'; readonly of: NameKind }
  | { readonly kind: 'files' }
  | { readonly kind: 'none' };

export interface ShellOption {
  /** With dashes: `--output`, and `-o` if it has a letter. */
  readonly names: readonly string[];
  readonly describe: string;
  /** Undefined for an option without a value. */
  readonly value: Candidates | undefined;
}

export interface ShellPositional {
  readonly name: string;
  readonly describe: string;
  readonly candidates: Candidates;
  /** Takes all further words. */
  readonly repeated: boolean;
}

export interface ShellCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly ShellOption[];
  readonly positionals: readonly ShellPositional[];
}

const HELP_OPTION: ShellOption = { names: ['--help'], describe: 'show this help', value: undefined };

/** The options that stand in front of a command as well. */
export const GLOBAL_SHELL_OPTIONS: readonly ShellOption[] = [...optionsOf(GLOBAL_OPTIONS), HELP_OPTION];

/** `topics`: the further words of `help`. */
export function shellCommands(
  commands: readonly Command[],
  topics: readonly string[],
): readonly ShellCommand[] {
  const help: ShellCommand = {
    name: 'help',
    summary: 'show the help of a command or of a topic',
    options: [],
    positionals: [
      {
        name: 'topic',
        describe: 'a command or a topic',
        candidates: { kind: 'fixed', words: [...commands.map(({ name }) => name), ...topics] },
        repeated: false,
      },
    ],
  };
  return [...commands.map(shellCommand), help];
}

function shellCommand({ name, summary, options, positionals }: Command): ShellCommand {
  return {
    name,
    summary,
    options: [...optionsOf(options), ...GLOBAL_SHELL_OPTIONS],
    positionals: Object.entries(positionals).map(([key, word]) => ({
      name: key,
      describe: word.describe,
      candidates: candidatesOf(word),
      repeated: word.array === true,
    })),
  };
}

function optionsOf(options: Readonly<Record<string, Word>>): ShellOption[] {
  return Object.entries(options).map(([name, word]) => ({
    names: [`--${name}`, ...(word.alias === undefined ? [] : [`-${word.alias}`])],
    describe: word.describe,
    value: word.type === 'boolean' ? undefined : candidatesOf(word),
  }));
}

function candidatesOf({ choices, completes }: Word): Candidates {
  if (choices !== undefined) return { kind: 'fixed', words: choices };
  if (completes === undefined) return { kind: 'none' };
  return completes === 'file' ? { kind: 'files' } : { kind: 'names', of: completes };
}
