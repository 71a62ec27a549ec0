/**
 * Connections of a command to the host server (one per machine) and to app servers (one per
 * application).
 *
 * Commands call `withHost` and `withClient`, which connect, run a function and close the connection
 * whether the function succeeds, fails or is interrupted. Opens sockets; starts no server.
 */
import type { Client, HostConnection } from '../client-lib/index.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import type { CommandContext } from './command.js';
import { interruptible } from './interruption.js';

type ConnectionContext = Pick<CommandContext, 'directory' | 'signal'>;

/** Names that an error lists; the others are counted. */
const NAMES_SHOWN = 10;

/**
 * Runs `use` with a connection to the host server; a `live` use returns by itself when the signal
 * is aborted. Throws NOT_RUNNING when there is no host server.
 */
export async function withHost<T>(
  { directory, signal }: ConnectionContext,
  use: (host: HostConnection) => Promise<T>,
  { live = false }: { readonly live?: boolean } = {},
): Promise<T> {
  const { connectHost } = await import('../client-lib/index.js');
  const host = await interruptible(signal, connectHost({ directory }), close);
  try {
    return await (live ? use(host) : interruptible(signal, use(host)));
  } finally {
    void host.close();
  }
}

/**
 * Runs `use` as a client of the application `app`, or of the only one that runs. When the signal is
 * aborted, a `live` use is expected to return by itself; any other use is abandoned with CLOSED.
 * `as` is the client's name. Throws NOT_RUNNING, BAD_OPTION (several run) or what `use` throws.
 */
export async function withClient<T>(
  where: ConnectionContext,
  app: string | undefined,
  use: (client: Client) => Promise<T>,
  { live = false, as = 'console' }: { readonly live?: boolean | undefined; readonly as?: string } = {},
): Promise<T> {
  const { connect } = await import('../client-lib/index.js');
  const { directory, signal } = where;
  const name = app ?? (await onlyApplication(where));
  const client = await interruptible(
    signal,
    connect({ app: name, name: as, program: 'mirrorflow', directory }),
    close,
  );
  try {
    return await (live ? use(client) : interruptible(signal, use(client)));
  } finally {
    // An interrupted command does not wait for a server that does not answer.
    const closing = client.close();
    if (signal.aborted) closing.catch(() => undefined);
    else await closing;
  }
}

/** Names of the running applications of this host. */
export function runningApplications(where: ConnectionContext): Promise<string[]> {
  return withHost(where, async (host) =>
    (await host.applications()).filter(({ state }) => state === 'running').map(({ name }) => name),
  );
}

async function onlyApplication(where: ConnectionContext): Promise<string> {
  const running = await runningApplications(where);
  const [only] = running;
  if (only === undefined) {
    throw new MirrorflowError(
      'NOT_RUNNING',
      'no application runs; start one with `mirrorflow run NAME --spectcl ADDRESS`',
    );
  }
  if (running.length === 1) return only;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${running.length} applications run (${listed(running)}); choose one with --app NAME`,
    { hint: `for instance --app ${only}` },
  );
}

function close(late: { close(): Promise<void> }): void {
  void late.close();
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
