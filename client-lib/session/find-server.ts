/**
 * Finds host servers and app servers on this host by their sockets in the runtime directories: the
 * user's first, then the machine's; of the sockets for each right it uses the one of the right that
 * the program states, else of the greatest that its user has. Used by `connect` and `connectHost`.
 * Opens sessions.
 */
import { clientDirectories, appSocketPath, hostSocketPath } from '../../protocol/base/paths.js';
import type { HostRight, UserRight } from '../../protocol/base/rights.js';
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

export const LOCATE_OPTIONS = [
  'directory',
  'connectTimeoutMs',
] as const satisfies readonly (keyof LocateOptions)[];

/** The rights of users, greatest first. */
const GREATEST_FIRST = ['control', 'provide', 'read'] as const satisfies readonly UserRight[];

export interface FoundServer {
  /** Runtime directory of the server that answered. */
  readonly directory: string;
  readonly socket: string;
  /** The right of this socket. */
  readonly right: UserRight;
  readonly session: RpcSession;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 1_000;

/**
 * A session with the host server; undefined when none runs in any of the directories. Without
 * `right`, that of the greatest right. Throws NOT_PERMITTED.
 */
export async function findHostServer(
  options: LocateOptions,
  right?: HostRight,
): Promise<FoundServer | undefined> {
  return findServer(options, {
    title: 'the host server',
    rights: right === undefined ? ['control', 'read'] : [right],
    pathIn: (directory, of) => hostSocketPath(directory, of === 'provide' ? 'control' : of),
  });
}

/**
 * A session with an application's app server, whose calls `dispatcher` answers; or undefined.
 * Without `right`, that of the greatest right. Throws NOT_PERMITTED.
 */
export async function findAppServer(
  app: string,
  options: LocateOptions,
  dispatcher: CallDispatcher<undefined>,
  right?: UserRight,
): Promise<FoundServer | undefined> {
  return findServer(options, {
    title: `application ${app}`,
    rights: right === undefined ? GREATEST_FIRST : [right],
    pathIn: (directory, of) => appSocketPath(directory, app, of),
    dispatcher,
  });
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

/** Which server is searched for, and with which rights, in this order. */
interface Wanted {
  readonly title: string;
  readonly rights: readonly UserRight[];
  readonly pathIn: (directory: string, right: UserRight) => string;
  readonly dispatcher?: CallDispatcher<undefined>;
}

async function findServer(options: LocateOptions, wanted: Wanted): Promise<FoundServer | undefined> {
  for (const directory of directoriesOf(options)) {
    // In /tmp any user can create a directory of this name: only this user's or root's is trusted.
    if (!isUsableDirectory(directory, uid(), directory.startsWith('/tmp/'))) continue;
    const found = await connectIn(directory, options, wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function connectIn(
  directory: string,
  { connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS }: LocateOptions,
  { title, rights, pathIn, dispatcher }: Wanted,
): Promise<FoundServer | undefined> {
  const session = { context: () => undefined, log: clientLog, connectTimeoutMs };
  let refused: MirrorflowError | undefined;
  for (const right of rights) {
    const socket = pathIn(directory, right);
    try {
      const connected = await connectSession(
        { path: socket },
        dispatcher === undefined ? session : { ...session, dispatcher },
      );
      return { directory, socket, right, session: connected };
    } catch (error) {
      if (!isMirrorflowError(error)) throw error;
      // A server that starts has not all its sockets yet: a smaller right would be too small later.
      if (meansNotRunning(error)) return undefined;
      if (error.facts['system'] !== 'EACCES') throw error;
      refused = notPermitted(title, right, socket, error);
    }
  }
  if (refused !== undefined) throw refused;
  return undefined;
}

/** The last right that was tried is the smallest that would do. */
function notPermitted(title: string, right: UserRight, socket: string, cause: Error): MirrorflowError {
  return new MirrorflowError(
    'NOT_PERMITTED',
    `this user does not have the right ${right} for ${title}: ${socket} cannot be opened; ` +
      'its owner can permit it in "access" of the configuration',
    { needed: right, socket },
    cause,
  );
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
