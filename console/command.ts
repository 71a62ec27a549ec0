/**
 * What a command is: declared once, for the command line, the prompt, its help and its completion
 * alike.
 */
import type { InferredOptionTypes } from 'yargs';
import type { Environment } from '../protocol/base/paths.js';
import type { ExitCode } from './exit-codes.js';
import type { Output } from './output.js';

/** What the values of a word are, so that the prompt can complete them. */
export type NameKind = 'application' | 'flow' | 'spectrum' | 'command';

export interface Word {
  readonly type: 'string' | 'boolean';
  readonly describe: string;
  readonly choices?: readonly string[];
  readonly default?: string | boolean;
  readonly completes?: NameKind;
}

/** A word without dashes. */
export interface Positional extends Word {
  readonly type: 'string';
  readonly demandOption?: boolean;
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
  /** Runtime directory that was asked for; undefined for the usual places. */
  readonly directory: string | undefined;
  /** Aborted by Ctrl-C, by SIGTERM, and when nobody reads the output any more. */
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
  /** Words behind `mirrorflow`, and what they do. */
  readonly examples: readonly (readonly [words: string, meaning: string])[];
  /** Behind the options in the help. */
  readonly epilogue?: string;
  /**
   * Resolves when it is done, with an exit code where a failure has been told already; throws what
   * went wrong. `given` are the values of the declared words.
   */
  run(context: CommandContext, given: never): Promise<ExitCode | void>;
}

interface Definition<P extends Positionals, O extends Options> extends Omit<Command, 'run'> {
  readonly positionals: P;
  readonly options: O;
  run(context: CommandContext, given: InferredOptionTypes<P & O>): Promise<ExitCode | void>;
}

/** Gives `run` the types of what is declared. */
export function command<const P extends Positionals, const O extends Options>(
  definition: Definition<P, O>,
): Command {
  return definition;
}

/** The option of all commands that are about one application. */
export const APP_OPTION = {
  type: 'string',
  describe: 'the application; may be left out when exactly one runs',
  completes: 'application',
} as const satisfies Word;
