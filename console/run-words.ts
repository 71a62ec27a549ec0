/**
 * Runs one command line: parses its words, runs the command, reports errors, returns the exit code.
 *
 * `main.ts` calls it for the shell's command line, `prompt/` for each line of the prompt. It writes
 * only to the streams that it is given.
 */
import type { Environment } from '../protocol/base/paths.js';
import type { Command, CommandContext, Globals } from './command.js';
import { parseCommandLine } from './command-line.js';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import { Output, type OutputStream } from './output.js';

/** The process's streams and environment that a command may use. */
export interface CommandDependencies {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly commands: readonly Command[];
  readonly divertInterrupts: CommandContext['divertInterrupts'];
  /** The global options of `mirrorflow console`, which apply to every command typed in it. */
  readonly prompt?: Globals;
}

/** Never throws: errors are written to standard error. */
export async function runWords(
  words: readonly string[],
  dependencies: CommandDependencies,
): Promise<ExitCode> {
  const { stdin, stdout, stderr, env, signal, commands, prompt } = dependencies;
  const outputFor = ({ json, noColour }: Globals): Output =>
    new Output({ stdout, stderr, env, json, noColour });
  // For errors in the words themselves, which are reported in the requested form too.
  let output = outputFor(
    withPromptOptions(prompt, {
      directory: undefined,
      json: words.includes('--json'),
      noColour: words.includes('--no-colour'),
    }),
  );
  try {
    const parsed = await parseCommandLine(words, commands, output.columns);
    if (parsed.kind === 'help') {
      output.help(parsed.text, parsed.asError);
      return parsed.asError ? EXIT.usage : EXIT.success;
    }
    const { command, values } = parsed;
    const globals = withPromptOptions(prompt, parsed.globals);
    output = outputFor(globals);
    const context: CommandContext = {
      output,
      globals,
      commands,
      divertInterrupts: dependencies.divertInterrupts,
      directory: globals.directory,
      signal,
      stdin,
      env,
      atPrompt: prompt !== undefined,
    };
    return (await command.run(context, values as never)) ?? EXIT.success;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    output.failure(error);
    return exitCodeOf(error);
  }
}

/** The global options of a command, completed by those of the prompt in which it was typed. */
function withPromptOptions(prompt: Globals | undefined, globals: Globals): Globals {
  return {
    directory: globals.directory ?? prompt?.directory,
    json: globals.json || prompt?.json === true,
    noColour: globals.noColour || prompt?.noColour === true,
  };
}
