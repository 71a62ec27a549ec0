/**
 * `mirrorflow console`: starts the prompt, which `prompt/prompt-session.ts` implements.
 *
 * Reads commands from the terminal or from a pipe on standard input.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command } from '../command.js';

export const consoleCommand = command({
  name: 'console',
  summary: 'start a prompt for all these commands, with history and completion; reads a pipe too',
  positionals: {},
  options: {},
  examples: [
    ['console', 'Tab completes, Ctrl-C cancels a command, Ctrl-D ends it'],
    ['console < commands.txt', 'one command per line; the exit code of the last one that failed'],
  ],
  async run(context) {
    if (context.atPrompt)
      throw new MirrorflowError(
        'BAD_OPTION',
        'console cannot be started at its own prompt: type the commands here',
      );
    const { promptSession } = await import('../prompt/prompt-session.js');
    return promptSession(context);
  },
});
