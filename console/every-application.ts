/**
 * Queries one application, or every application that runs on this host.
 *
 * The commands `clients` and `flows` call it, and `every-host.ts` for `--all`. It connects to the
 * host server, which lists the applications, and to each application's app server.
 */
import type { Client } from '../client-lib/index.js';
import type { CommandContext } from './command.js';
import { runningApplications, withClient } from './servers.js';

/**
 * Runs `ask` as a client of each application and returns the answers with the application's name.
 * Throws when the application named by `app` cannot be asked; without a name, an application that
 * fails is noted on standard error and the answers of the others are returned.
 */
export async function askApplications<T extends object>(
  context: CommandContext,
  app: string | undefined,
  ask: (client: Client) => Promise<readonly T[]>,
): Promise<(T & { readonly app: string })[]> {
  const askOne = async (name: string): Promise<(T & { readonly app: string })[]> =>
    (await withClient(context, name, ask)).map((answer) => Object.assign({ app: name }, answer));
  if (app !== undefined) return askOne(app);
  const names = await runningApplications(context);
  const answers = await Promise.allSettled(names.map(askOne));
  return answers.flatMap((answer, index) => {
    if (answer.status === 'fulfilled') return answer.value;
    if (names.length === 1) throw answer.reason;
    const cause = answer.reason instanceof Error ? answer.reason.message : String(answer.reason);
    context.output.note(`${names[index]} cannot be asked: ${cause}`);
    return [];
  });
}
