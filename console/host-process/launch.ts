/** Starting a host server: in the background with a log file, and seen through until it answers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { connectHost, type HostInfo } from '../../client-lib/index.js';
import { logFilePath, runtimeDirectory, type Environment } from '../../protocol/base/paths.js';
import { MirrorflowError, describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import { LIMITS } from '../../protocol/base/limits.js';
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
   * The process, which is in a group of its own and lives on without this one; undefined when
   * another one was faster.
   */
  readonly process: ChildProcess | undefined;
}

/** Between two looks whether it answers. */
const LOOK_MS = 25;
/** How the host server ends when an option or its configuration is wrong. */
const BAD_OPTION_EXIT = 'exit code 2';
const READY_TIMEOUT_MS = LIMITS.childReadyTimeoutMs;

/** The host server where clients of this user look for one; undefined when none runs. */
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
 * Starts a host server and resolves when it answers. Throws its own cause when it ends before that,
 * TIMED_OUT when it neither answers nor ends, and leaves no process behind then.
 */
export async function launchHost(options: HostLaunchOptions): Promise<LaunchedHost> {
  const uid = process.geteuid?.() ?? 0;
  const directory = runtimeDirectory({ env: options.env, uid, directory: options.directory });
  const logFile = logFilePath(directory, 'host-server');
  prepareDirectory(directory);
  prepareDirectory(dirname(logFile));
  const log = openSync(logFile, 'a', 0o640);
  const logStart = fstatSync(log).size;
  const child = spawn(
    process.execPath,
    [programPath('host-server'), '--directory', directory, '--log-format', 'json', ...options.args],
    { detached: true, stdio: ['ignore', log, log], env: ownChildEnvironment(process.env) },
  );
  closeSync(log);
  child.unref();
  let ended: string | undefined;
  child.once('error', (error) => (ended = describeError(error)));
  child.once('exit', (code, signal) => (ended = signal ?? `exit code ${code}`));
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const info = await runningHost(directory);
    if (info !== undefined && info.pid === child.pid) return { info, logFile, process: child };
    if (ended !== undefined) {
      // Two were started at the same moment; the other one has the directory.
      if (info !== undefined) return { info, logFile, process: undefined };
      throw startFailure(ended, logFile, logStart);
    }
    if (options.signal.aborted || performance.now() > deadlineMs) {
      child.kill('SIGKILL');
      throw new MirrorflowError(
        options.signal.aborted ? 'STOPPED' : 'TIMED_OUT',
        `the host server did not answer within ${READY_TIMEOUT_MS} ms; its log is ${logFile}`,
        { logFile },
      );
    }
    await pause(LOOK_MS, options.signal);
  }
}

/** Who a host server's process is, for `hostGone`; to be asked while it answers. */
export function hostIdentity({ pid }: HostInfo): OwnerIdentity {
  return { pid, startTicks: startTicksOf(pid), bootId: ownIdentity().bootId };
}

/**
 * Resolves when the process has ended and nobody answers in its directory; false when that is not
 * so after the time.
 */
export async function hostGone(
  directory: string,
  identity: OwnerIdentity,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (isAlive(identity) || (await runningHost(directory)) !== undefined) {
    if (performance.now() > deadlineMs || signal.aborted) return false;
    await pause(LOOK_MS, signal);
  }
  return true;
}

/**
 * What the host server says of its options, without its own name in front and the pointer to its
 * own help behind.
 */
function withoutProgram(text: string): string {
  return text.replace(/^mirrorflow-host-server: /, '').replace(/\nOptions are told by --help\.$/, '');
}

/** 0, which stands for unknown, when it has ended already. */
function startTicksOf(pid: number): bigint {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.startTicks ?? 0n;
  } catch {
    return 0n;
  }
}

function startFailure(ended: string, logFile: string, logStart: number): MirrorflowError {
  const cause = causeInLog(readFileSync(logFile).subarray(logStart).toString('utf8'));
  if (ended === BAD_OPTION_EXIT && cause !== undefined) {
    return new MirrorflowError('BAD_OPTION', withoutProgram(cause.message), { logFile });
  }
  return new MirrorflowError(
    cause?.code ?? 'START_FAILED',
    `the host server ended before it answered (${ended}): ${cause?.message ?? `it said nothing; its log is ${logFile}`}`,
    { logFile, exit: ended },
  );
}
