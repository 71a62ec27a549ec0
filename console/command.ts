/**
 * The shape of a command of `mirrorflow`: name, positionals, options, help texts and the function
 * that runs it.
 *
 * Each file of `commands/` declares one. The command line, the prompt, the help and the completion
 * all read that one declaration. Types only, and the option definitions that several commands
 * share.
 */
import type { InferredOptionTypes } from 'yargs';
import type { Environment } from '../protocol/base/paths.js';
import type { ExitCode } from './exit-codes.js';
import type { Output } from './output.js';

/** Kind of the names that a word takes, for completion in the shell and at the prompt. */
export type NameKind = 'application' | 'flow' | 'spectrum' | 'command';

export interface Word {
  readonly type: 'string' | 'boolean';
  readonly describe: string;
  readonly choices?: readonly string[];
  readonly default?: string | boolean;
  /** `file`: a path, which the shell completes and the prompt does not. */
  readonly completes?: NameKind | 'file';
  /** Of an option: its value may be left out, and is the empty text then. */
  readonly optionalValue?: true;
  /** A single letter: `-o` for `--output`. */
  readonly alias?: string;
}

/** A word without dashes, identified by its position. */
export interface Positional extends Word {
  readonly type: 'string';
  readonly demandOption?: boolean;
  /** Takes all further words; the last positional only. */
  readonly array?: true;
}

export type Positionals = Readonly<Record<string, Positional>>;
export type Options = Readonly<Record<string, Word>>;

/** The options that every command takes. */
export interface Globals {
  readonly directory: string | undefined;
  readonly json: boolean;
  readonly noColour: boolean;
}

export interface CommandContext {
  readonly output: Output;
  readonly globals: Globals;
  readonly commands: readonly Command[];
  /** Runtime directory given by `--directory`; undefined for the usual ones. */
  readonly directory: string | undefined;
  /** Aborted by Ctrl-C, by SIGTERM, and when the reader of standard output closes it. */
  readonly signal: AbortSignal;
  readonly stdin: NodeJS.ReadStream;
  readonly env: Environment;
  /** Whether the command was typed at the prompt of `mirrorflow console`. */
  readonly atPrompt: boolean;
  /** Sends SIGINT to `handler` instead, until the returned function is called. */
  readonly divertInterrupts: (handler: () => void) => () => void;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly positionals: Positionals;
  readonly options: Options;
  /** The words after `mirrorflow`, and what they do. */
  readonly examples: readonly (readonly [words: string, meaning: string])[];
  /** Follows the options in the help. */
  readonly epilogue?: string;
  /** Former option names with their present ones: a former name is refused with the present one. */
  readonly renamedOptions?: Readonly<Record<string, string>>;
  /**
   * Runs the command; `values` are the values of the declared words. Resolves with an exit code
   * other than success when the command has reported its failure itself, and throws every other
   * failure.
   */
  run(context: CommandContext, values: never): Promise<ExitCode | void>;
}

interface Definition<P extends Positionals, O extends Options> extends Omit<Command, 'run'> {
  readonly positionals: P;
  readonly options: O;
  run(context: CommandContext, values: InferredOptionTypes<P & O>): Promise<ExitCode | void>;
}

/** Declares a command; `run` gets its values with the declared types. */
export function command<const P extends Positionals, const O extends Options>(
  definition: Definition<P, O>,
): Command {
  return definition;
}

/** How often the source of an application is asked. */
export const UPDATE_INTERVAL_OPTION = {
  type: 'string',
  describe: 'milliseconds from update to update; 0: back to back',
} as const satisfies Word;

/** The option of all commands that work on one application. */
export const APP_OPTION = {
  type: 'string',
  describe: 'the application; optional when exactly one runs',
  completes: 'application',
} as const satisfies Word;

/** The arguments of all commands that work on one recording. */
export const RECORDING_FILES = {
  type: 'string',
  array: true,
  describe: 'files or directories of one recording',
  demandOption: true,
  completes: 'file',
} as const;

/** The argument of all commands that work on one spectrum. */
export const SPECTRUM_NAME = {
  type: 'string',
  describe: 'name of the spectrum',
  demandOption: true,
  completes: 'spectrum',
} as const;
