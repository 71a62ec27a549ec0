/**
 * The host server of `mirrorflow start`: one that runs already, or an own one.
 *
 * `session.ts` creates one `SessionHost`. An own host server is restarted when it dies and stops
 * with the command; spawning it writes a log file below the runtime directory.
 */
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { CommandContext } from '../command.js';
import { connectHost, type HostInfo } from '../../client-lib/index.js';
import {
  hostExited,
  hostIdentity,
  launchHost,
  runningHost,
  type LaunchedHost,
} from '../host-process/launch.js';
import { pause } from '../interruption.js';

const ANY_FREE_PORT = ['--listen', 'tcp://127.0.0.1:0'];
/** Number of restarts of an own host server. */
const RESTARTS_MAX = 5;
const STOP_TIMEOUT_MS = 10_000;
const WEB_READY_TIMEOUT_MS = 5_000;
const WEB_POLL_INTERVAL_MS = 50;

type HostLocation = Pick<CommandContext, 'directory' | 'env'>;

export class SessionHost {
  readonly isOwn: boolean;
  #info: HostInfo;
  readonly #location: HostLocation;
  readonly #report: (text: string) => void;
  #restarts = 0;
  #stopping = false;

  private constructor(
    info: HostInfo,
    isOwn: boolean,
    location: HostLocation,
    report: (text: string) => void,
  ) {
    this.#info = info;
    this.isOwn = isOwn;
    this.#location = location;
    this.#report = report;
  }

  static async obtain(context: CommandContext, report: (text: string) => void): Promise<SessionHost> {
    const running = await runningHost(context.directory);
    if (running !== undefined) return new SessionHost(running, false, context, report);
    const launched = await launch(context, context.signal);
    const host = new SessionHost(launched.info, launched.process !== undefined, context, report);
    host.#watch(launched);
    return host;
  }

  get info(): HostInfo {
    return this.#info;
  }

  /**
   * Address of the web viewer. The viewer starts beside the host server and may take a moment
   * longer; undefined when it is off or does not answer in time.
   */
  async webAddress(signal: AbortSignal): Promise<string | undefined> {
    if (process.env['MIRRORFLOW_WEB'] === 'off') return undefined;
    const host = await connectHost({ directory: this.#info.directory });
    try {
      const deadlineMs = performance.now() + WEB_READY_TIMEOUT_MS;
      while (!signal.aborted && performance.now() < deadlineMs) {
        const { web } = await host.info();
        if (web !== undefined) return web;
        await pause(WEB_POLL_INTERVAL_MS, signal);
      }
      return undefined;
    } finally {
      void host.close();
    }
  }

  /**
   * Stops an own host server and everything it has started. One that has died is started again
   * first, because only a host server can stop the processes that the dead one has started.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (!this.isOwn) return;
    const never = new AbortController().signal;
    const { directory } = this.#info;
    if ((await runningHost(directory)) === undefined) await launch({ ...this.#location, directory }, never);
    const host = await connectHost({ directory });
    const identity = hostIdentity(await host.info());
    await host.quit(true);
    void host.close();
    if (!(await hostExited(directory, identity, STOP_TIMEOUT_MS, never))) {
      this.#report(
        `The host server in ${directory} (process ${this.#info.pid}) did not stop within ${STOP_TIMEOUT_MS} ms.`,
      );
    }
  }

  #watch({ process: child }: LaunchedHost): void {
    child?.once('exit', (code, signal) => {
      if (!this.#stopping) void this.#restart(signal ?? `exit code ${code}`);
    });
  }

  async #restart(exit: string): Promise<void> {
    this.#restarts += 1;
    const limit = this.#restarts > RESTARTS_MAX;
    this.#report(
      `The host server has stopped (${exit}); the mirror continues without it${limit ? '.' : ', and it is restarted.'}`,
    );
    if (limit) return;
    try {
      const launched = await launch(
        { ...this.#location, directory: this.#info.directory },
        new AbortController().signal,
      );
      this.#info = launched.info;
      this.#watch(launched);
    } catch (error) {
      this.#report(
        `The host server could not be restarted: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

/** Starts a host server on the default port, or on any free port when that one is in use. */
async function launch({ directory, env }: HostLocation, signal: AbortSignal): Promise<LaunchedHost> {
  try {
    return await launchHost({ directory, env, args: [], signal });
  } catch (error) {
    if (!isMirrorflowError(error, 'ADDRESS_IN_USE')) throw error;
    return launchHost({ directory, env, args: ANY_FREE_PORT, signal });
  }
}
