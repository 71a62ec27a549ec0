/** `mirrorflow console`. */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command } from '../command.js';

export const consoleCommand = command({
  name: 'console',
  summary: 'a prompt for all these commands, with history and completion; also reads commands from a pipe',
  positionals: {},
  options: {},
  examples: [
    ['console', 'Tab completes, Ctrl-C cancels a command, Ctrl-D leaves'],
    ['console < commands.txt', 'one command per line; the exit code of the last one that failed'],
  ],
  async run(context) {
    if (context.atPrompt) throw new MirrorflowError('BAD_OPTION', 'this is the console already');
    const { promptSession } = await import('../prompt/prompt-session.js');
    return promptSession(context);
  },
});
