/** Connections of one command: made when it needs them, closed when it is done, however it ends. */
import type { Client, HostConnection } from '../client-lib/index.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import type { CommandContext } from './command.js';
import { interruptible } from './interruption.js';

type Where = Pick<CommandContext, 'directory' | 'signal'>;

/** Names that an error lists before it says how many more there are. */
const NAMES_SHOWN = 10;

/** Runs `use` with a connection to the host server. Throws NOT_RUNNING when there is none. */
export async function withHost<T>(
  { directory, signal }: Where,
  use: (host: HostConnection) => Promise<T>,
): Promise<T> {
  const { connectHost } = await import('../client-lib/index.js');
  const host = await interruptible(signal, connectHost({ directory }), close);
  try {
    return await interruptible(signal, use(host));
  } finally {
    void host.close();
  }
}

/**
 * Runs `use` as a client of an application: the named one, or the only one that runs. A `live` use
 * ends by itself when the signal is aborted, and that is no failure; any other is given up then.
 * `as`: its name among the clients.
 */
export async function withClient<T>(
  where: Where,
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
    // A server that does not answer must not hold back a command that was interrupted.
    const closing = client.close();
    if (signal.aborted) closing.catch(() => undefined);
    else await closing;
  }
}

/** The applications that run now. */
export function runningApplications(where: Where): Promise<string[]> {
  return withHost(where, async (host) =>
    (await host.applications()).filter(({ state }) => state === 'running').map(({ name }) => name),
  );
}

async function onlyApplication(where: Where): Promise<string> {
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
    `${running.length} applications run (${listed(running)}); say which one with --app NAME`,
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
