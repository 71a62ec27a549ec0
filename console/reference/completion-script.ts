/**
 * The completion script of a shell, from the declared commands and the topics of the help.
 *
 * `mirrorflow completion` prints it; `files.ts` puts it into packages. Pure.
 */
import type { Command } from '../command.js';
import { bashCompletion } from './bash-completion.js';
import { shellCommands } from './shell-words.js';
import { TOPICS } from './topics.js';
import { zshCompletion } from './zsh-completion.js';

export function completionScript(shell: 'bash' | 'zsh', commands: readonly Command[]): string {
  const words = shellCommands(
    commands,
    TOPICS.map(({ name }) => name),
  );
  return shell === 'bash' ? bashCompletion(words) : zshCompletion(words);
}
