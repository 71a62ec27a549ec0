/**
 * Queries the applications of all hosts of the network, for the option `--all`.
 *
 * The commands `clients`, `flows`, `stats` and `top` use it. It connects to the host server and the
 * app servers of this host; each app server forwards the question to the app servers of the same
 * application on other hosts.
 */
import type { ApplicationStatistics, Client, HostOnNetwork, NetworkStatus } from '../client-lib/index.js';
import type { CommandContext } from './command.js';
import { askApplications } from './every-application.js';
import { withHost } from './servers.js';

/** The answer of one host about one application. */
export type OnHost<T> = T & { readonly host: string; readonly app: string };

/** The answer of this host and the answers of other hosts. */
interface LocalAndRemote<T> {
  readonly here: T;
  readonly elsewhere: readonly (T & { readonly host: string })[];
}

type Status = Omit<NetworkStatus, 'elsewhere'>;

export async function networkStatus(client: Client): Promise<LocalAndRemote<Status>> {
  const { elsewhere = [], ...here } = await client.network({ everywhere: true });
  return { here, elsewhere };
}

export async function networkStatistics(
  client: Client,
): Promise<LocalAndRemote<Omit<ApplicationStatistics, 'elsewhere'>>> {
  const { elsewhere = [], ...here } = await client.applicationStatistics({ everywhere: true });
  return { here, elsewhere };
}

/**
 * The answers of every host for all applications that run here, or for the application `app`. A
 * note on standard error names each host and application that did not answer.
 */
export async function askHosts<T extends object>(
  context: CommandContext,
  app: string | undefined,
  ask: (client: Client) => Promise<LocalAndRemote<T>>,
): Promise<OnHost<T>[]> {
  const hosts = await withHost(context, (host) => host.network());
  const thisHost = ownHostName(hosts);
  const answers = await askApplications(context, app, async (client) => {
    const { here, elsewhere } = await ask(client);
    return [{ ...here, host: thisHost }, ...elsewhere];
  });
  for (const note of unansweredHosts(hosts, answers, app)) context.output.note(note);
  return answers;
}

/** The name of this host on the network. */
export function ownHostName(hosts: readonly HostOnNetwork[]): string {
  return hosts.find(({ own }) => own)?.host ?? 'this one';
}

/** A note for each running application of another host that gave no answer. */
function unansweredHosts(
  hosts: readonly HostOnNetwork[],
  answers: readonly OnHost<object>[],
  only: string | undefined,
): string[] {
  const hasAnswered = (host: string | undefined, app: string): boolean =>
    answers.some((answer) => answer.app === app && answer.host === host);
  // What other sites publish is listed by itself.
  const near = hosts.filter(({ site }) => site === undefined);
  return near.flatMap(({ host, own, applications }) =>
    applications
      .filter(({ name, state }) => state === 'running' && (only === undefined || name === only))
      .filter(({ name }) => !own && !hasAnswered(host, name))
      .map(({ name }) =>
        answers.some(({ app }) => app === name)
          ? `${name} on host ${host} did not answer in time`
          : `${name} runs on host ${host} and not here: ask there`,
      ),
  );
}
