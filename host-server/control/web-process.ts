/**
 * The web viewer as a child process of the host server: started with the applications, restarted
 * when it dies. It never outlives the host server, which holds the other end of its standard input.
 * The viewer reports its URL by the call `child.ready`. Owned by `host-server.ts`. Starts and stops
 * the process; its log file is written below the runtime directory.
 */
import type { MirrorflowError } from '../../protocol/base/errors.js';
import type { Clock } from '../../protocol/base/clock.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import { errorOfStartFailure } from '../../protocol/host/process-kit/start-report.js';
import type { SupervisionState } from '../../protocol/host/process-kit/supervision-state.js';
import { Supervisor } from '../../protocol/host/process-kit/supervisor.js';
import type { ChildAddress, StartFailure } from '../../protocol/rpc/contract/shapes.js';

export interface WebProcessOptions {
  /**
   * Options of the web process about where it listens: `--listen tcp://127.0.0.1:7391`, perhaps
   * `--or-any-port`.
   */
  readonly args: readonly string[];
  /** Runtime directory of the host server. */
  readonly directory: string;
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Longest start. Long, since a late viewer delays nothing and a restart would take as long. */
const READY_TIMEOUT_MS = 60_000;

/** The viewer has no permanent connection to the host server: its exit is the only signal. */
const NO_CONNECTION = { closed: new Promise<void>(() => undefined) };

export class WebProcess {
  readonly #options: WebProcessOptions;
  readonly #supervisor: Supervisor<string>;

  /** Starts the viewer. A viewer that cannot start is logged, and has no other effect. */
  constructor(options: WebProcessOptions) {
    this.#options = options;
    const { clock } = options;
    this.#supervisor = new Supervisor({
      title: 'the web viewer',
      clock,
      launch: () => this.#launch(),
      decide: (end) => (end.kind === 'stopped' ? 'rest' : 'retry'),
      changed: (state) => this.#changed(state),
    });
    this.#supervisor.start();
  }

  /** `http://127.0.0.1:7391/`; undefined while it does not serve. */
  get address(): string | undefined {
    return this.#supervisor.ready;
  }

  /** `starting` also while it waits for the next start after a failure. */
  get state(): 'starting' | 'running' | 'failed' {
    const { state } = this.#supervisor;
    return state === 'running' || state === 'failed' ? state : 'starting';
  }

  /** Why it does not serve. */
  get cause(): MirrorflowError | undefined {
    return this.state === 'running' ? undefined : this.#supervisor.cause;
  }

  /** See child.ready. False when the process is not this viewer. */
  reportReady({ launch, pid, address }: ChildAddress): boolean {
    return this.#supervisor.report(pid, launch, address, NO_CONNECTION);
  }

  /** See child.failed. False when the token is not of this viewer's start. */
  startFailed(failure: StartFailure): boolean {
    return this.#supervisor.startFailed(failure.launch, errorOfStartFailure(failure));
  }

  /** SIGTERM, a bounded wait, SIGKILL; resolves when it has ended. Idempotent. */
  stop(): Promise<void> {
    return this.#supervisor.close();
  }

  #launch(): Child<string> {
    const { args, directory, logFile, clock } = this.#options;
    return new Child<string>({
      title: 'the web viewer',
      script: programPath('web'),
      args: [...args, '--directory', directory, '--end-with-stdin'],
      logFile,
      endsWithParent: true,
      readyTimeoutMs: READY_TIMEOUT_MS,
      clock,
    });
  }

  #changed(state: SupervisionState): void {
    const { log, logFile } = this.#options;
    const { ready: address, cause } = this.#supervisor;
    if (state === 'running') log.info('web viewer serves', { address });
    else if (state === 'delayed') {
      log.warn('the web viewer has ended and is started again', { cause: cause?.message, logFile });
    } else if (state === 'failed') {
      log.warn('the web viewer is not started again', { cause: cause?.message, logFile });
    }
  }
}
