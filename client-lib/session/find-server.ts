/**
 * Finds host servers and app servers on this host by their sockets in the runtime directories: the
 * user's first, then the machine's. Used by `connect` and `connectHost`. Opens sessions.
 */
import { clientDirectories, appSocketPath, hostSocketPath } from '../../protocol/base/paths.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import { clientLog } from '../client-log.js';
import { isUsableDirectory } from '../../protocol/base/files/private-directory.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import type { CallDispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

export interface LocateOptions {
  /** Runtime directory; default MIRRORFLOW_DIR, else the user's, then the machine's. */
  readonly directory?: string | undefined;
  /** Longest wait for a server to accept the connection, milliseconds. Default 1,000. */
  readonly connectTimeoutMs?: number;
}

export interface FoundServer {
  /** Runtime directory of the server that answered. */
  readonly directory: string;
  readonly socket: string;
  readonly session: RpcSession;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 1_000;

/** A session with the host server; undefined when none runs in any of the directories. */
export async function findHostServer(options: LocateOptions): Promise<FoundServer | undefined> {
  return findServer(options, hostSocketPath);
}

/** A session with an application's app server, whose calls `dispatcher` answers; or undefined. */
export async function findAppServer(
  app: string,
  options: LocateOptions,
  dispatcher: CallDispatcher<undefined>,
): Promise<FoundServer | undefined> {
  return findServer(options, (directory) => appSocketPath(directory, app), dispatcher);
}

export function directoriesOf(options: LocateOptions): string[] {
  return clientDirectories({ env: process.env, uid: uid(), directory: options.directory });
}

/** The error for a host without a host server, naming the directories that were searched. */
export function noHostServerError(options: LocateOptions): MirrorflowError {
  const searched = directoriesOf(options).join(', ');
  return new MirrorflowError(
    'NOT_RUNNING',
    `no host server runs here (searched ${searched}); start one with \`mirrorflow host start\`, or give its --directory`,
    { searched },
  );
}

async function findServer(
  options: LocateOptions,
  pathIn: (directory: string) => string,
  dispatcher?: CallDispatcher<undefined>,
): Promise<FoundServer | undefined> {
  for (const directory of directoriesOf(options)) {
    // In /tmp any user can create a directory of this name: only this user's or root's is trusted.
    if (!isUsableDirectory(directory, uid(), directory.startsWith('/tmp/'))) continue;
    const socket = pathIn(directory);
    try {
      const session = await connectSession(
        { path: socket },
        {
          context: () => undefined,
          log: clientLog,
          ...(dispatcher === undefined ? {} : { dispatcher }),
          connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
        },
      );
      return { directory, socket, session };
    } catch (error) {
      if (!isMirrorflowError(error) || !meansNotRunning(error)) throw error;
    }
  }
  return undefined;
}

function meansNotRunning(error: MirrorflowError): boolean {
  return (
    error.facts['system'] === 'ENOENT' ||
    error.facts['system'] === 'ECONNREFUSED' ||
    error.facts['system'] === 'ENOTDIR'
  );
}

function uid(): number {
  return process.geteuid?.() ?? 0;
}
