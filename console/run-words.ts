/** One command from its words to its exit code, for the command line and the prompt alike. */
import type { Environment } from '../protocol/base/paths.js';
import type { Command, CommandContext, Globals } from './command.js';
import { parseCommandLine } from './command-line.js';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import { Output, type OutputStream } from './output.js';

/** What a command runs in. */
export interface Surroundings {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly commands: readonly Command[];
  readonly divertInterrupts: CommandContext['divertInterrupts'];
  /** The global options of `mirrorflow console`, which hold for every command in it. */
  readonly prompt?: Globals;
}

/** Never throws: what goes wrong is told on standard error. */
export async function runWords(words: readonly string[], around: Surroundings): Promise<ExitCode> {
  const { stdin, stdout, stderr, env, signal, commands, prompt } = around;
  const outputFor = ({ json, noColour }: Globals): Output =>
    new Output({ stdout, stderr, env, json, noColour });
  // Until the words are understood: what goes wrong before that is told in the form that was asked
  // for.
  let output = outputFor(
    joined(prompt, {
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
    const { command, given } = parsed;
    const globals = joined(prompt, parsed.globals);
    output = outputFor(globals);
    const context: CommandContext = {
      output,
      globals,
      commands,
      divertInterrupts: around.divertInterrupts,
      directory: globals.directory,
      signal,
      stdin,
      env,
      atPrompt: prompt !== undefined,
    };
    return (await command.run(context, given as never)) ?? EXIT.success;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    output.failure(error);
    return exitCodeOf(error);
  }
}

/** Options of the prompt hold for its commands, where those do not say otherwise. */
function joined(prompt: Globals | undefined, own: Globals): Globals {
  return {
    directory: own.directory ?? prompt?.directory,
    json: own.json || prompt?.json === true,
    noColour: own.noColour || prompt?.noColour === true,
  };
}
