/**
 * Connecting to an application: its app server is found, or started by the host server, and the
 * client presents itself.
 */
import { basename } from 'node:path';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { Client } from './client.js';
import { IncomingCalls } from './incoming-calls.js';
import {
  clientLog,
  findAppServer,
  findHostServer,
  noHostServer,
  type Located,
  type LocateOptions,
} from './locate.js';

export interface ConnectOptions extends LocateOptions {
  /** The application. */
  readonly app: string;
  /** This client's name in lists and statistics; default: the program's name. */
  readonly name?: string;
  /** What this program is, for people; default: its path. */
  readonly program?: string;
  /** Start the application when the host server knows it and it does not run. Default true. */
  readonly start?: boolean;
}

/**
 * Connects to an application on this host. Throws BAD_NAME, NOT_RUNNING when neither its app server
 * nor a host server runs, UNKNOWN_APPLICATION when the host server does not know it, or the cause
 * why it could not be started. Fails within a second when nothing answers.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const app = checkName('application', options.app);
  const name = checkName('client', options.name ?? programName());
  const program = (options.program ?? process.argv[1] ?? process.title).slice(0, 256);
  const incoming = new IncomingCalls();
  const found =
    (await findAppServer(app, options, incoming.dispatcher)) ??
    (await startThroughHost(app, options, incoming));
  return Client.present({
    app,
    name,
    program,
    directory: found.directory,
    socket: found.socket,
    session: found.session,
    incoming,
  });
}

async function startThroughHost(
  app: string,
  options: ConnectOptions,
  { dispatcher }: IncomingCalls,
): Promise<Located> {
  const host = await findHostServer(options);
  if (host === undefined) throw noHostServer(options);
  try {
    const call = callerOf(CONTRACT, host.session);
    if (options.start === false) {
      throw new MirrorflowError(
        'NOT_RUNNING',
        `the application ${app} does not run; start it with \`mirrorflow run ${app}\``,
        { app },
      );
    }
    const known = await call('host.applications', []);
    if (!known.some((application) => application.name === app)) {
      const names = known.map((application) => application.name).join(', ');
      throw new MirrorflowError(
        'UNKNOWN_APPLICATION',
        `this host knows no application ${app} (${names === '' ? 'it knows none' : `it knows ${names}`}); start it with \`mirrorflow run ${app} --spectcl …\``,
        { app },
      );
    }
    const { socket } = await call('host.run', [{ name: app }], { timeoutMs: 12_000 });
    if (socket === undefined)
      throw new MirrorflowError('APPLICATION_UNREACHABLE', `the app server of ${app} told no socket`, {
        app,
      });
    const session = await connectSession(
      { path: socket },
      { context: () => undefined, log: clientLog, dispatcher },
    );
    return { directory: host.directory, socket, session };
  } finally {
    void host.session.close();
  }
}

function programName(): string {
  const base = basename(process.argv[1] ?? 'node').replace(/[^A-Za-z0-9._-]/g, '-');
  return /^[A-Za-z0-9]/.test(base) ? base.slice(0, 64) : 'node';
}
