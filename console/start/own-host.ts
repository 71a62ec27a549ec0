/**
 * The host server of `mirrorflow start`: the one that runs, or one of its own, which is started
 * again when it dies and ends with the command.
 */
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { CommandContext } from '../command.js';
import { connectHost, type HostInfo } from '../../client-lib/index.js';
import {
  hostGone,
  hostIdentity,
  launchHost,
  runningHost,
  type LaunchedHost,
} from '../host-process/launch.js';

const ANY_FREE_PORT = ['--listen', 'tcp://127.0.0.1:0'];
/** Deaths of an own host server after which it is not started again. */
const RESTARTS_MAX = 5;
const STOP_TIMEOUT_MS = 10_000;

type Where = Pick<CommandContext, 'directory' | 'env'>;

export class StartHost {
  readonly isOwn: boolean;
  #info: HostInfo;
  readonly #where: Where;
  readonly #say: (text: string) => void;
  #restarts = 0;
  #ending = false;

  private constructor(info: HostInfo, isOwn: boolean, where: Where, say: (text: string) => void) {
    this.#info = info;
    this.isOwn = isOwn;
    this.#where = where;
    this.#say = say;
  }

  static async obtain(context: CommandContext, say: (text: string) => void): Promise<StartHost> {
    const running = await runningHost(context.directory);
    if (running !== undefined) return new StartHost(running, false, context, say);
    const launched = await launch(context, context.signal);
    const host = new StartHost(launched.info, launched.process !== undefined, context, say);
    host.#watch(launched);
    return host;
  }

  get info(): HostInfo {
    return this.#info;
  }

  /**
   * Ends an own host server and everything it has started; one that died meanwhile is started again
   * to do that.
   */
  async end(): Promise<void> {
    this.#ending = true;
    if (!this.isOwn) return;
    const never = new AbortController().signal;
    const { directory } = this.#info;
    if ((await runningHost(directory)) === undefined) await launch({ ...this.#where, directory }, never);
    const host = await connectHost({ directory });
    const identity = hostIdentity(await host.info());
    await host.quit(true);
    void host.close();
    if (!(await hostGone(directory, identity, STOP_TIMEOUT_MS, never))) {
      this.#say(`The host server in ${directory} (process ${this.#info.pid}) has not ended in time.`);
    }
  }

  #watch({ process: child }: LaunchedHost): void {
    child?.once('exit', (code, signal) => {
      if (!this.#ending) void this.#restart(signal ?? `exit code ${code}`);
    });
  }

  async #restart(exit: string): Promise<void> {
    this.#restarts += 1;
    const limit = this.#restarts > RESTARTS_MAX;
    this.#say(
      `The host server has ended (${exit}); the mirror goes on without it${limit ? '.' : ', and it is started again.'}`,
    );
    if (limit) return;
    try {
      const launched = await launch(
        { ...this.#where, directory: this.#info.directory },
        new AbortController().signal,
      );
      this.#info = launched.info;
      this.#watch(launched);
    } catch (error) {
      this.#say(`It could not be started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/**
 * On the usual port, else on any free one: somebody else on this machine may have the usual one.
 */
async function launch({ directory, env }: Where, signal: AbortSignal): Promise<LaunchedHost> {
  try {
    return await launchHost({ directory, env, args: [], signal });
  } catch (error) {
    if (!isMirrorflowError(error, 'ADDRESS_IN_USE')) throw error;
    return launchHost({ directory, env, args: ANY_FREE_PORT, signal });
  }
}
