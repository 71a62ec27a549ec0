/**
 * Paths of all sockets, logs and flow files. The runtime directory holds sockets and logs, the flow
 * directory holds flow files (the shared-memory rings of the flows) and images. Servers run either
 * for one user or for the whole machine, with a directory each. Used by every server, the client
 * library and the console. Pure: `private-directory.ts` creates and checks directories.
 */
import { isAbsolute, join, normalize } from 'node:path';

import { MirrorflowError } from './errors.js';
import { LIMITS } from './limits.js';
import { checkName } from './names.js';
import { nodeCrypto } from './lazy-modules.js';
import type { HostRight, Right, UserRight } from './rights.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface DirectoryOptions {
  readonly env: Environment;
  /** Effective user id of the process. */
  readonly uid: number;
  /** From the command line; takes precedence over the environment. */
  readonly directory?: string | undefined;
  /** Whether a server runs for one user or for the machine. Default: `user`. */
  readonly scope?: 'user' | 'machine';
}

const MACHINE_DIRECTORY = '/run/mirrorflow';
const SOCKET_SUFFIX = '.sock';
const DATAGRAM_SUFFIX = '.dgram';
const TOKEN_SUFFIX = '.token';
const HASH_DIGITS = 16;

const PROVIDER_SUFFIX = `.provide${SOCKET_SUFFIX}`;
/** The longest socket path below the runtime directory: a provider socket with a hashed name. */
const LONGEST_SOCKET_BYTES = '/links/'.length + HASH_DIGITS + PROVIDER_SUFFIX.length;

/** Longest runtime directory, in bytes. */
const RUNTIME_DIRECTORY_MAX_BYTES = LIMITS.unixSocketPathBytes - LONGEST_SOCKET_BYTES;

/**
 * The runtime directory of a server. Throws BAD_OPTION when it is relative or too long for the
 * sockets in it.
 */
export function runtimeDirectory(options: DirectoryOptions): string {
  const configured = configuredDirectory(options);
  if (configured !== undefined) return configured;
  if (options.scope === 'machine') return MACHINE_DIRECTORY;
  const ofLoginSession = loginSessionDirectory(options.env);
  return ofLoginSession === undefined
    ? join('/tmp', `mirrorflow-${options.uid}`)
    : checkRuntimeDirectory('XDG_RUNTIME_DIR', ofLoginSession);
}

/**
 * The runtime directories in which a client searches for servers, in order: the configured one
 * alone, else the user's, then the machine's. The user's directory in /tmp is always included,
 * since the server may have been started without a login session.
 */
export function clientDirectories(options: Omit<DirectoryOptions, 'scope'>): string[] {
  const configured = configuredDirectory(options);
  if (configured !== undefined) return [configured];
  const ofLoginSession = loginSessionDirectory(options.env);
  const first =
    ofLoginSession === undefined ? [] : [checkRuntimeDirectory('XDG_RUNTIME_DIR', ofLoginSession)];
  return [...first, join('/tmp', `mirrorflow-${options.uid}`), MACHINE_DIRECTORY];
}

/** The directory of flow files, with one subdirectory per application. Throws BAD_OPTION. */
export function flowDirectory(options: Omit<DirectoryOptions, 'scope'>): string {
  const [name, path] = configuredPath(options, 'MIRRORFLOW_FLOW_DIR');
  return path === undefined ? `/dev/shm/mirrorflow-${options.uid}` : absolutePath(name, path);
}

/** The host server's socket for callers with this right: `host.read.sock`. */
export function hostSocketPath(directory: string, right: HostRight): string {
  return join(directory, `host.${right}${SOCKET_SUFFIX}`);
}

/** The path of a token file; no other path has this type, such as that of a directory. */
export type TokenPath = `${string}${typeof TOKEN_SUFFIX}`;

/** The file with the token that a caller of the host server proves this right by. */
export function hostTokenPath(directory: string, right: HostRight | 'child'): TokenPath {
  return `${join(directory, `host.${right}`)}${TOKEN_SUFFIX}`;
}

/** The app server's socket for callers with this right: `apps/<app>.read.sock`. */
export function appSocketPath(directory: string, app: string, right: UserRight): string {
  const name = checkName('application', app);
  return socketPath(join(directory, 'apps'), name, `.${right}${SOCKET_SUFFIX}`);
}

/** The file with the token that a caller of the app server proves this right by. */
export function appTokenPath(directory: string, app: string, right: Right): TokenPath {
  return `${join(directory, 'apps', `${checkName('application', app)}.${right}`)}${TOKEN_SUFFIX}`;
}

/** The duplicator's socket for the stream links of consumers. */
export function linkSocketPath(directory: string, app: string, flow: string): string {
  return socketPath(join(directory, 'links'), appAndFlow(app, flow), SOCKET_SUFFIX);
}

/** The duplicator's socket for the stream link of a provider: only providers may connect to it. */
export function providerSocketPath(directory: string, app: string, flow: string): string {
  return socketPath(join(directory, 'links'), appAndFlow(app, flow), PROVIDER_SUFFIX);
}

/** The duplicator's socket for datagram links; its clients' sockets are in the same directory. */
export function datagramSocketPath(directory: string, app: string, flow: string): string {
  return socketPath(join(directory, 'links'), appAndFlow(app, flow), DATAGRAM_SUFFIX);
}

/** The subdirectories of a runtime directory; its owner creates them with it. */
export function runtimeFolders(directory: string): string[] {
  return ['apps', 'links', 'logs'].map((name) => join(directory, name));
}

export function appFlowDirectory(flowDirectory: string, app: string): string {
  return join(flowDirectory, checkName('application', app));
}

export function flowFilePath(flowDirectory: string, app: string, flow: string): string {
  return join(appFlowDirectory(flowDirectory, app), `${checkName('flow', flow)}.flow`);
}

/** The image of a mirror: a file that is its display memory byte for byte. */
export function imageFilePath(flowDirectory: string, app: string, flow: string): string {
  return join(appFlowDirectory(flowDirectory, app), `${checkName('flow', flow)}.image`);
}

/**
 * The record of an application's gateway: its identity and the shared memory that it created. No
 * flow name begins with a period, so the path is never that of a flow.
 */
export function gatewayRecordPath(flowDirectory: string, app: string): string {
  return join(appFlowDirectory(flowDirectory, app), '.gateway.json');
}

/** The record of an application's recorder, beside that of its gateway. */
export function recorderRecordPath(flowDirectory: string, app: string): string {
  return join(appFlowDirectory(flowDirectory, app), '.recorder.json');
}

/** `logs/host-server.log`, `logs/app-server-<app>.log`, `logs/duplicator-<app>@<flow>.log`. */
export function logFilePath(directory: string, program: string, app?: string, flow?: string): string {
  const instance =
    app === undefined ? '' : `-${flow === undefined ? checkName('application', app) : appAndFlow(app, flow)}`;
  return join(directory, 'logs', `${checkName('program', program)}${instance}.log`);
}

/** Names contain no "@", so that different pairs of names give different texts. */
function appAndFlow(app: string, flow: string): string {
  return `${checkName('application', app)}@${checkName('flow', flow)}`;
}

function socketPath(folder: string, name: string, suffix: string): string {
  const readable = join(folder, `${name}${suffix}`);
  if (Buffer.byteLength(readable) <= LIMITS.unixSocketPathBytes) return readable;
  const hash = nodeCrypto().createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return join(folder, `${hash}${suffix}`);
}

function configuredDirectory(options: Omit<DirectoryOptions, 'scope'>): string | undefined {
  const [name, path] = configuredPath(options, 'MIRRORFLOW_DIR');
  return path === undefined ? undefined : checkRuntimeDirectory(name, path);
}

/** The path from the option or the variable, and the name of its origin for error messages. */
function configuredPath(
  options: Omit<DirectoryOptions, 'scope'>,
  variable: string,
): [name: string, path: string | undefined] {
  if (options.directory !== undefined) return ['the directory option', options.directory];
  // An empty variable counts as unset, as in the XDG specification.
  return [variable, options.env[variable] || undefined];
}

function loginSessionDirectory(env: Environment): string | undefined {
  const base = env['XDG_RUNTIME_DIR'];
  // The XDG specification: a relative path is invalid and to be ignored.
  return base === undefined || !isAbsolute(base) ? undefined : join(base, 'mirrorflow');
}

function checkRuntimeDirectory(name: string, path: string): string {
  const directory = absolutePath(name, path);
  const bytes = Buffer.byteLength(directory);
  if (bytes <= RUNTIME_DIRECTORY_MAX_BYTES) return directory;
  throw new MirrorflowError(
    'BAD_OPTION',
    `the runtime directory ${directory} of ${name} has ${bytes} bytes; at most ${RUNTIME_DIRECTORY_MAX_BYTES} are possible, ` +
      `since a socket path has at most ${LIMITS.unixSocketPathBytes} and the longest name of a socket takes ${LONGEST_SOCKET_BYTES}. ` +
      `Set MIRRORFLOW_DIR to a shorter path`,
    { bytes, allowedBytes: RUNTIME_DIRECTORY_MAX_BYTES },
  );
}

function absolutePath(name: string, path: string): string {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `${name} is ${JSON.stringify(path)}; it must be an absolute path`,
    );
  }
  const normalized = normalize(path);
  return normalized.length > 1 && normalized.endsWith('/') ? normalized.slice(0, -1) : normalized;
}
