/**
 * Connects a program to an application: finds its app server, or has the host server start it, and
 * presents the client. The first call of every program that uses the library. Opens a session to
 * the app server, and for the start one to the host server.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stateOf } from '../../protocol/base/owner-identity.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { USER_RIGHTS, type UserRight } from '../../protocol/base/rights.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { presentClient, type Client } from './client.js';
import { IncomingCalls } from './incoming-calls.js';
import { checkOptionNames } from '../call-options.js';
import {
  findAppServer,
  LOCATE_OPTIONS,
  findHostServer,
  noHostServerError,
  type FoundServer,
  type LocateOptions,
} from './find-server.js';

export interface ConnectOptions extends LocateOptions {
  /** Name of the application. */
  readonly app: string;
  /** Name of this client in lists and statistics. Default: the program's name. */
  readonly name?: string;
  /** Description of this program in lists. Default: its path. */
  readonly program?: string;
  /**
   * Start the application when it is configured at the host server and does not run. Default true.
   */
  readonly start?: boolean;
  /**
   * What the program will do: `read` flows, also `provide` some, or also `control` the application.
   * Default: the most that its user may do. Without the right `connect` throws NOT_PERMITTED.
   */
  readonly right?: UserRight;
}

const CONNECT_OPTIONS = [
  'app',
  'name',
  'program',
  'start',
  'right',
  ...LOCATE_OPTIONS,
] as const satisfies readonly (keyof ConnectOptions)[];

/** Longest start of an application, its app server included. */
const START_TIMEOUT_MS = 12_000;
const PROGRAM_CHARACTERS_MAX = 256;
/** A process that is stopped at each of these looks is not waited for. */
const STOPPED_LOOKS = 10;
const STOPPED_LOOK_MS = 80;
const NAME_CHARACTERS_MAX = 64;
/** Attempts to find the socket of an app server that was just started: two seconds in all. */
const SOCKET_ATTEMPTS = 20;
const SOCKET_PAUSE_MS = 100;

/**
 * Connects to an application on this host. Throws BAD_OPTION, BAD_NAME, NOT_RUNNING when neither
 * its app server nor a host server runs, NOT_PERMITTED naming the missing right,
 * UNKNOWN_APPLICATION when the host server has no such application, or the cause why it could not
 * be started. Fails within a second when no server listens or its process is stopped, and with
 * TIMED_OUT after ten seconds when a server does not answer.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  checkOptionNames('connect', options, CONNECT_OPTIONS);
  const app = checkName('application', options.app);
  const name = checkName('client', options.name ?? programName());
  const program = (options.program ?? process.argv[1] ?? process.title).slice(0, PROGRAM_CHARACTERS_MAX);
  checkRight(options.right);
  const incoming = new IncomingCalls();
  const { directory, socket, session } =
    (await findAppServer(app, options, incoming.dispatcher, options.right)) ??
    (await startThroughHost(app, options, incoming));
  if (await isStopped(join(directory, 'apps', `${app}.json`))) {
    session.destroy();
    const message = `the app server of ${app} is stopped (SIGSTOP) and does not answer; continue its process`;
    throw new MirrorflowError('TIMED_OUT', message, { app });
  }
  return presentClient({ app, name, program, directory, socket, session, incoming });
}

function checkRight(right: unknown): void {
  if (right === undefined || USER_RIGHTS.some((known) => known === right)) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    `connect: right is ${JSON.stringify(right)}; it must be one of ${USER_RIGHTS.join(', ')}`,
  );
}

async function startThroughHost(
  app: string,
  options: ConnectOptions,
  { dispatcher }: IncomingCalls,
): Promise<FoundServer> {
  const host = await findHostServer(options);
  if (host === undefined) throw noHostServerError(options);
  try {
    const call = callerOf(CONTRACT, host.session);
    if (options.start === false) {
      throw new MirrorflowError(
        'NOT_RUNNING',
        `the application ${app} does not run; start it with \`mirrorflow run ${app}\``,
        { app },
      );
    }
    const applications = await call('host.applications', []);
    if (!applications.some((application) => application.name === app)) {
      const names = applications.map((application) => application.name).join(', ');
      throw new MirrorflowError(
        'UNKNOWN_APPLICATION',
        `this host has no application ${app} (${names === '' ? 'it has none' : `it has ${names}`}); start it with \`mirrorflow run ${app} --spectcl …\``,
        { app },
      );
    }
    const timeout = { timeoutMs: START_TIMEOUT_MS };
    if (host.right === 'control') await call('host.run', [{ name: app }], timeout);
    else await call('host.open', [app], timeout);
    const { directory } = host;
    // Sockets that another program removed are back within a second.
    for (let attempt = 0; attempt <= SOCKET_ATTEMPTS; attempt += 1) {
      if (attempt > 0) await pause(SOCKET_PAUSE_MS);
      const found = await findAppServer(app, { ...options, directory }, dispatcher, options.right);
      if (found !== undefined) return found;
    }
    const message = `the app server of ${app} was started and has no socket in ${directory}`;
    throw new MirrorflowError('APPLICATION_UNREACHABLE', message, { app });
  } finally {
    void host.session.close();
  }
}

/** Whether the owner of a record stays stopped: a stopped process accepts and never answers. */
async function isStopped(record: string): Promise<boolean> {
  for (let looks = 0; looks < STOPPED_LOOKS; looks += 1) {
    let pid: unknown;
    try {
      ({ pid } = JSON.parse(readFileSync(record, 'utf8')) as { pid?: unknown });
    } catch {
      return false; // not readable for this user: wait for the answer
    }
    if (typeof pid !== 'number' || stateOf({ pid, startTicks: 0n }) !== 'stopped') return false;
    await new Promise((resolve) => setTimeout(resolve, STOPPED_LOOK_MS));
  }
  return true;
}

function programName(): string {
  const base = basename(process.argv[1] ?? 'node').replace(/[^A-Za-z0-9._-]/g, '-');
  return /^[A-Za-z0-9]/.test(base) ? base.slice(0, NAME_CHARACTERS_MAX) : 'node';
}
