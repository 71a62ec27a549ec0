/**
 * Where everything lives: the runtime directory (sockets, logs), the flow directory (flow files,
 * images), and the one place that builds the paths in them. Two ways to run: for one user, or for
 * the whole machine. Nothing here touches the disk; `private-directory.ts` creates and checks.
 */
import { isAbsolute, join, normalize } from 'node:path';

import { MirrorflowError } from './errors.js';
import { LIMITS } from './limits.js';
import { checkName } from './names.js';
import { nodeCrypto } from './lazy-modules.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface DirectoryOptions {
  readonly env: Environment;
  /** Effective user id of the process. */
  readonly uid: number;
  /** From the command line; comes before the environment. */
  readonly directory?: string | undefined;
  /** Whom a server runs for. Default `user`. */
  readonly scope?: 'user' | 'machine';
}

const MACHINE_DIRECTORY = '/run/mirrorflow';
const SOCKET_SUFFIX = '.sock';
const DATAGRAM_SUFFIX = '.dgram';
const HASH_DIGITS = 16;

/**
 * Longest path below the runtime directory that must fit into a socket's: a datagram client with a
 * hashed name.
 */
const LONGEST_SOCKET_BYTES =
  '/links/'.length + HASH_DIGITS + DATAGRAM_SUFFIX.length + LIMITS.datagramPeerSuffixBytes;

/** Longest runtime directory, in bytes. */
const RUNTIME_DIRECTORY_MAX_BYTES = LIMITS.unixSocketPathBytes - LONGEST_SOCKET_BYTES;

/**
 * The runtime directory of a server. Throws BAD_OPTION when it is relative or too long for the
 * sockets in it.
 */
export function runtimeDirectory(options: DirectoryOptions): string {
  const stated = statedDirectory(options);
  if (stated !== undefined) return stated;
  if (options.scope === 'machine') return MACHINE_DIRECTORY;
  const session = sessionDirectory(options.env);
  return session === undefined
    ? join('/tmp', `mirrorflow-${options.uid}`)
    : checkRuntimeDirectory('XDG_RUNTIME_DIR', session);
}

/**
 * Where a client looks for servers, best first: the stated directory alone, else the user's, then
 * the machine's. The one in /tmp is always among them, since the server may have been started
 * without a login session.
 */
export function clientDirectories(options: Omit<DirectoryOptions, 'scope'>): string[] {
  const stated = statedDirectory(options);
  if (stated !== undefined) return [stated];
  const session = sessionDirectory(options.env);
  const users = session === undefined ? [] : [checkRuntimeDirectory('XDG_RUNTIME_DIR', session)];
  return [...users, join('/tmp', `mirrorflow-${options.uid}`), MACHINE_DIRECTORY];
}

/** Where flow files are kept, one directory per application below. */
export function flowDirectory(options: Omit<DirectoryOptions, 'scope'>): string {
  const [name, stated] = firstStated(options, 'MIRRORFLOW_FLOW_DIR');
  return stated === undefined ? `/dev/shm/mirrorflow-${options.uid}` : absolute(name, stated);
}

/** The host server's socket. */
export function hostSocketPath(directory: string): string {
  return join(directory, `host${SOCKET_SUFFIX}`);
}

export function appSocketPath(directory: string, app: string): string {
  return socketPath(join(directory, 'apps'), checkName('application', app), SOCKET_SUFFIX, 0);
}

/** The duplicator's socket for stream links. */
export function linkSocketPath(directory: string, app: string, flow: string): string {
  return socketPath(join(directory, 'links'), appAndFlow(app, flow), SOCKET_SUFFIX, 0);
}

/** The duplicator's socket for datagram links; its clients' own sockets stand beside it. */
export function datagramSocketPath(directory: string, app: string, flow: string): string {
  const reserved = LIMITS.datagramPeerSuffixBytes;
  return socketPath(join(directory, 'links'), appAndFlow(app, flow), DATAGRAM_SUFFIX, reserved);
}

/** The folders of a runtime directory that its owner creates beside it. */
export function runtimeFolders(directory: string): string[] {
  return ['apps', 'links', 'logs'].map((name) => join(directory, name));
}

export function appFlowDirectory(flowDirectory: string, app: string): string {
  return join(flowDirectory, checkName('application', app));
}

export function flowFilePath(flowDirectory: string, app: string, flow: string): string {
  return join(appFlowDirectory(flowDirectory, app), `${checkName('flow', flow)}.flow`);
}

/** The file that is a mirror's display memory byte for byte. */
export function imageFilePath(flowDirectory: string, app: string, flow: string): string {
  return join(appFlowDirectory(flowDirectory, app), `${checkName('flow', flow)}.image`);
}

/**
 * The record of an application's gateway: who it is, and which shared memory it has made. Not a
 * flow's name.
 */
export function gatewayRecordPath(flowDirectory: string, app: string): string {
  return join(appFlowDirectory(flowDirectory, app), '.gateway.json');
}

/** `logs/host-server.log`, `logs/app-server-<app>.log`, `logs/duplicator-<app>@<flow>.log`. */
export function logFilePath(directory: string, program: string, app?: string, flow?: string): string {
  const instance =
    app === undefined ? '' : `-${flow === undefined ? checkName('application', app) : appAndFlow(app, flow)}`;
  return join(directory, 'logs', `${checkName('program', program)}${instance}.log`);
}

/** "@" is in no name, so that no two pairs of names meet. */
function appAndFlow(app: string, flow: string): string {
  return `${checkName('application', app)}@${checkName('flow', flow)}`;
}

function socketPath(folder: string, name: string, suffix: string, reservedBytes: number): string {
  const plain = join(folder, `${name}${suffix}`);
  if (Buffer.byteLength(plain) + reservedBytes <= LIMITS.unixSocketPathBytes) return plain;
  const hash = nodeCrypto().createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return join(folder, `${hash}${suffix}`);
}

function statedDirectory(options: Omit<DirectoryOptions, 'scope'>): string | undefined {
  const [name, stated] = firstStated(options, 'MIRRORFLOW_DIR');
  return stated === undefined ? undefined : checkRuntimeDirectory(name, stated);
}

function firstStated(
  options: Omit<DirectoryOptions, 'scope'>,
  variable: string,
): [name: string, stated: string | undefined] {
  if (options.directory !== undefined) return ['the directory option', options.directory];
  // An empty variable counts as unset, as the XDG specification has it.
  return [variable, options.env[variable] || undefined];
}

function sessionDirectory(env: Environment): string | undefined {
  const session = env['XDG_RUNTIME_DIR'];
  // The XDG specification: a relative path is invalid and to be ignored.
  return session === undefined || !isAbsolute(session) ? undefined : join(session, 'mirrorflow');
}

function checkRuntimeDirectory(name: string, path: string): string {
  const directory = absolute(name, path);
  const bytes = Buffer.byteLength(directory);
  if (bytes <= RUNTIME_DIRECTORY_MAX_BYTES) return directory;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${name} gives the runtime directory ${directory} of ${bytes} bytes; it may have ${RUNTIME_DIRECTORY_MAX_BYTES}, ` +
      `since a socket path may have ${LIMITS.unixSocketPathBytes} and the longest one below it needs ${LONGEST_SOCKET_BYTES}. ` +
      `Set MIRRORFLOW_DIR to a shorter one`,
    { bytes, allowedBytes: RUNTIME_DIRECTORY_MAX_BYTES },
  );
}

function absolute(name: string, path: string): string {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `${name} is ${JSON.stringify(path)}; it must be an absolute path`,
    );
  }
  const clean = normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}
