/**
 * Asks the applications of all hosts: each through its app server on this host, which asks those of
 * the same name elsewhere.
 */
import type { ApplicationStatistics, Client, HostOnNetwork, NetworkStatus } from '../client-lib/index.js';
import type { CommandContext } from './command.js';
import { askApplications } from './every-application.js';
import { withHost } from './servers.js';

/** What one host told about one application. */
export type OnHost<T> = T & { readonly host: string; readonly app: string };

/** An answer of this host with those of the others. */
interface Everywhere<T> {
  readonly here: T;
  readonly elsewhere: readonly (T & { readonly host: string })[];
}

type Status = Omit<NetworkStatus, 'elsewhere'>;

export async function networkStatus(client: Client): Promise<Everywhere<Status>> {
  const { elsewhere = [], ...here } = await client.network({ everywhere: true });
  return { here, elsewhere };
}

export async function networkStatistics(
  client: Client,
): Promise<Everywhere<Omit<ApplicationStatistics, 'elsewhere'>>> {
  const { elsewhere = [], ...here } = await client.applicationStatistics({ everywhere: true });
  return { here, elsewhere };
}

/**
 * The answers of every host for all applications that run here, or one of them. What could not be
 * asked is noted.
 */
export async function askHosts<T extends object>(
  context: CommandContext,
  app: string | undefined,
  ask: (client: Client) => Promise<Everywhere<T>>,
): Promise<OnHost<T>[]> {
  const hosts = await withHost(context, (host) => host.network());
  const own = ownName(hosts);
  const answers = await askApplications(context, app, async (client) => {
    const { here, elsewhere } = await ask(client);
    return [{ ...here, host: own }, ...elsewhere];
  });
  for (const missing of unheard(hosts, answers, app)) context.output.note(missing);
  return answers;
}

/** The name of this host on the network. */
export function ownName(hosts: readonly HostOnNetwork[]): string {
  return hosts.find(({ own }) => own)?.host ?? 'this one';
}

/** Which running applications of other hosts nothing was heard of, and why. */
function unheard(
  hosts: readonly HostOnNetwork[],
  answers: readonly OnHost<object>[],
  only: string | undefined,
): string[] {
  const heard = (host: string | undefined, app: string): boolean =>
    answers.some((answer) => answer.app === app && answer.host === host);
  return hosts.flatMap(({ host, own, applications }) =>
    applications
      .filter(({ name, state }) => state === 'running' && (only === undefined || name === only))
      .filter(({ name }) => !own && !heard(host, name))
      .map(({ name }) =>
        answers.some(({ app }) => app === name)
          ? `${name} on host ${host} did not answer in time`
          : `${name} runs on host ${host} and not here: ask there`,
      ),
  );
}
