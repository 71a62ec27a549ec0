/**
 * `mirrorflow completion`: prints the completion script of a shell, or the names that it completes.
 *
 * Asks the servers for names of applications, flows and spectra, and prints none when they do not
 * answer in time.
 */
import { APP_OPTION, command, type CommandContext } from '../command.js';

const SHELLS = ['bash', 'zsh'] as const;
const KINDS = ['application', 'flow', 'spectrum', 'command'] as const;

export const completionCommand = command({
  name: 'completion',
  summary: 'print the completion script of a shell',
  positionals: {
    what: {
      type: 'string',
      choices: [...SHELLS, ...KINDS],
      demandOption: true,
      describe: 'a shell; or a kind of names, which the script of a shell asks for',
    },
  },
  options: { app: APP_OPTION },
  examples: [
    ['completion bash > ~/.local/share/bash-completion/completions/mirrorflow', 'for bash, once'],
    ['completion zsh > ~/.zfunc/_mirrorflow', 'for zsh, when ~/.zfunc is in fpath'],
    ['completion flow --app e1', 'the flows of an application, one a line'],
  ],
  async run(context, { what, app }) {
    const lines = await linesOf(what, app, context);
    if (context.output.json) context.output.value(lines);
    else context.output.lines(lines);
  },
});

async function linesOf(
  what: (typeof SHELLS | typeof KINDS)[number],
  app: string | undefined,
  context: CommandContext,
): Promise<readonly string[]> {
  if (what !== 'bash' && what !== 'zsh') {
    const { knownNames } = await import('../prompt/known-names.js');
    const { printable } = await import('../render/printable.js');
    const names = await knownNames(context)(what, app);
    return names.filter((name) => printable(name) === name);
  }
  const { completionScript } = await import('../reference/completion-script.js');
  return [completionScript(what, context.commands).trimEnd()];
}
