/**
 * Starts a host server, in the background or in the foreground, and waits for its start and exit.
 *
 * `mirrorflow host` and `mirrorflow start` call it. It spawns processes, prepares the runtime
 * directory and writes the host server's log file below it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { connectHost, type HostInfo } from '../../client-lib/index.js';
import { logFilePath, runtimeDirectory, type Environment } from '../../protocol/base/paths.js';
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { LOG_FILE_VARIABLE, rotateLog } from '../../protocol/base/log-rotation.js';
import {
  isAlive,
  ownIdentity,
  parseProcessStat,
  type OwnerIdentity,
} from '../../protocol/base/owner-identity.js';
import { ownChildEnvironment } from '../../protocol/host/process-kit/environment.js';
import { prepareDirectory } from '../../protocol/base/files/private-directory.js';
import { pause } from '../interruption.js';
import { causeInLog } from './log-cause.js';

export interface HostLaunchOptions {
  readonly directory: string | undefined;
  readonly env: Environment;
  /** Further arguments of the host server. */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

export interface LaunchedHost {
  readonly info: HostInfo;
  readonly logFile: string;
  /**
   * The process, in a group of its own and independent of this one; undefined when another host
   * server that was started at the same time has the directory.
   */
  readonly process: ChildProcess | undefined;
}

const POLL_INTERVAL_MS = 25;
/** Exit of a host server that refuses an option or its configuration. */
const BAD_OPTION_EXIT = 'exit code 2';
const READY_TIMEOUT_MS = LIMITS.childReadyTimeoutMs;

/** The host server in `directory` or in this user's usual directories; undefined if none runs. */
export async function runningHost(directory: string | undefined): Promise<HostInfo | undefined> {
  try {
    const host = await connectHost({ directory });
    try {
      return await host.info();
    } finally {
      void host.close();
    }
  } catch (error) {
    if (isMirrorflowError(error, 'NOT_RUNNING') || isMirrorflowError(error, 'CLOSED')) return undefined;
    throw error;
  }
}

/**
 * Starts a host server and resolves when it answers. Throws the cause from its log when it exits
 * before that, and TIMED_OUT or STOPPED (interrupted) after killing it when it does not answer.
 */
export async function launchHost(options: HostLaunchOptions): Promise<LaunchedHost> {
  const uid = process.geteuid?.() ?? 0;
  const directory = runtimeDirectory({ env: options.env, uid, directory: options.directory });
  const logFile = logFilePath(directory, 'host-server');
  prepareDirectory(directory);
  prepareDirectory(dirname(logFile));
  rotateLog(logFile);
  const log = openSync(logFile, 'a', 0o640);
  const logStart = fstatSync(log).size;
  const child = spawn(
    process.execPath,
    [programPath('host-server'), '--directory', directory, '--log-format', 'json', ...options.args],
    {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...ownChildEnvironment(options.env), [LOG_FILE_VARIABLE]: logFile },
    },
  );
  closeSync(log);
  child.unref();
  let exit: string | undefined;
  child.once('error', (error) => (exit = describeError(error)));
  child.once('exit', (code, signal) => (exit = signal ?? `exit code ${code}`));
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const info = await runningHost(directory);
    if (info !== undefined && info.pid === child.pid) return { info, logFile, process: child };
    if (exit !== undefined) {
      // Another host server, started at the same time, has the directory.
      if (info !== undefined) return { info, logFile, process: undefined };
      throw startFailure(exit, logFile, logStart);
    }
    if (options.signal.aborted || performance.now() > deadlineMs) {
      child.kill('SIGKILL');
      throw new MirrorflowError(
        options.signal.aborted ? 'STOPPED' : 'TIMED_OUT',
        `the host server did not answer within ${READY_TIMEOUT_MS} ms; its log is ${logFile}`,
        { logFile },
      );
    }
    await pause(POLL_INTERVAL_MS, options.signal);
  }
}

/**
 * Runs a host server as a child on the same terminal until `signal` is aborted, and resolves when
 * it has exited with 0. Throws START_FAILED with any other exit, whose cause the child has printed.
 */
export async function hostInForeground(args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [programPath('host-server'), ...args], {
    // A process group of its own: Ctrl-C reaches the child once, through this command.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: ownChildEnvironment(process.env),
  });
  const terminate = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', terminate, { once: true });
  const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
  signal.removeEventListener('abort', terminate);
  if (code === 0) return;
  throw new MirrorflowError('START_FAILED', `the host server ended with ${killedBy ?? `exit code ${code}`}`);
}

/** Identity of a host server's process, for `hostExited`. Valid only while the server answers. */
export function hostIdentity({ pid }: HostInfo): OwnerIdentity {
  return { pid, startTicks: startTicksOf(pid), bootId: ownIdentity().bootId };
}

/**
 * Resolves with true when the process has exited and no host server answers in its directory, with
 * false after `timeoutMs` or when `signal` is aborted.
 */
export async function hostExited(
  directory: string,
  identity: OwnerIdentity,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (isAlive(identity) || (await runningHost(directory)) !== undefined) {
    if (performance.now() > deadlineMs || signal.aborted) return false;
    await pause(POLL_INTERVAL_MS, signal);
  }
  return true;
}

/**
 * A host server's message about its options, without its program name and its pointer to --help.
 */
function withoutProgram(text: string): string {
  return text.replace(/^mirrorflow-host-server: /, '').replace(/\s*\(--help [^)]*\)$/, '');
}

/** Start time of a process in clock ticks; 0 (unknown) when it has exited. */
function startTicksOf(pid: number): bigint {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.startTicks ?? 0n;
  } catch {
    return 0n;
  }
}

function startFailure(exit: string, logFile: string, logStart: number): MirrorflowError {
  const cause = causeInLog(readFileSync(logFile).subarray(logStart).toString('utf8'));
  if (exit === BAD_OPTION_EXIT && cause !== undefined) {
    return new MirrorflowError('BAD_OPTION', withoutProgram(cause.message), { logFile });
  }
  return new MirrorflowError(
    cause?.code ?? 'START_FAILED',
    `the host server ended before it answered (${exit}): ${cause?.message ?? `no message; see its log ${logFile}`}`,
    { logFile, exit },
  );
}
