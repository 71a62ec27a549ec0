/** Asks one application, or every one that runs. */
import type { Client } from '../client-lib/index.js';
import type { CommandContext } from './command.js';
import { runningApplications, withClient } from './servers.js';

/**
 * The answers with their application. When all are asked, one that cannot be is noted and the
 * others are told all the same; a named one that cannot be asked is an error.
 */
export async function askApplications<T extends object>(
  context: CommandContext,
  app: string | undefined,
  ask: (client: Client) => Promise<readonly T[]>,
): Promise<(T & { readonly app: string })[]> {
  const named = async (name: string): Promise<(T & { readonly app: string })[]> =>
    (await withClient(context, name, ask)).map((answer) => Object.assign({ app: name }, answer));
  if (app !== undefined) return named(app);
  const names = await runningApplications(context);
  const answers = await Promise.allSettled(names.map(named));
  return answers.flatMap((answer, index) => {
    if (answer.status === 'fulfilled') return answer.value;
    if (names.length === 1) throw answer.reason;
    const why = answer.reason instanceof Error ? answer.reason.message : String(answer.reason);
    context.output.note(`${names[index]} cannot be asked: ${why}`);
    return [];
  });
}
