/**
 * Finding servers on this host: the sockets of host servers and app servers in the directories a
 * client looks into, the user's first, then the machine's.
 */
import { clientDirectories, appSocketPath, hostSocketPath } from '../../protocol/base/paths.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import { Logger } from '../../protocol/base/log.js';
import { isUsableDirectory } from '../../protocol/base/files/private-directory.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import type { CallDispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

export interface LocateOptions {
  /** Runtime directory; default MIRRORFLOW_DIR, else the user's, then the machine's. */
  readonly directory?: string | undefined;
  /** Longest wait for a server to take the connection, milliseconds. */
  readonly connectTimeoutMs?: number;
}

export interface Located {
  /** Runtime directory of the server that answered. */
  readonly directory: string;
  readonly socket: string;
  readonly session: RpcSession;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 1_000;

/**
 * The client library says what matters by errors and events; of its own accord it writes warnings
 * only.
 */
export const clientLog = new Logger('client', { level: 'warn' });

/** A session to the host server, or undefined when none runs in any of the directories. */
export async function findHostServer(options: LocateOptions): Promise<Located | undefined> {
  return findServer(options, hostSocketPath);
}

/**
 * A session to the app server of an application, whose calls the dispatcher answers, or undefined
 * when none runs.
 */
export async function findAppServer(
  app: string,
  options: LocateOptions,
  dispatcher: CallDispatcher<undefined>,
): Promise<Located | undefined> {
  return findServer(options, (directory) => appSocketPath(directory, app), dispatcher);
}

export function directoriesOf(options: LocateOptions): string[] {
  return clientDirectories({ env: process.env, uid: uid(), directory: options.directory });
}

/** The error for a host without a host server, with where it was looked for. */
export function noHostServer(options: LocateOptions): MirrorflowError {
  const looked = directoriesOf(options).join(', ');
  return new MirrorflowError(
    'NOT_RUNNING',
    `no host server runs here (looked in ${looked}); start one with \`mirrorflow host start\`, or give its --directory`,
    { looked },
  );
}

async function findServer(
  options: LocateOptions,
  pathIn: (directory: string) => string,
  dispatcher?: CallDispatcher<undefined>,
): Promise<Located | undefined> {
  for (const directory of directoriesOf(options)) {
    // In /tmp anybody could have made a directory of this name: only one's own or root's is
    // believed there.
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
      if (!isMirrorflowError(error) || !nobodyListens(error)) throw error;
    }
  }
  return undefined;
}

function nobodyListens(error: MirrorflowError): boolean {
  return (
    error.facts['system'] === 'ENOENT' ||
    error.facts['system'] === 'ECONNREFUSED' ||
    error.facts['system'] === 'ENOTDIR'
  );
}

function uid(): number {
  return process.geteuid?.() ?? 0;
}
