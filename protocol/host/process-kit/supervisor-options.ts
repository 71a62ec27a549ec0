/**
 * What an owner gives its `Supervisor`: how the process is started and found, and what follows when
 * it has ended. Owners are an application, a flow, the gateway, the recorder, the web viewer and
 * the NATS process. Types only.
 */
import type { Clock } from '../../base/clock.js';
import type { MirrorflowError } from '../../base/errors.js';
import type { RestartLimits } from './restart-policy.js';
import type { ProcessConnection, StartedProcess } from './supervised-process.js';
import type { SupervisionState } from './supervision-state.js';

/** What has ended, for the decision about what follows. */
export type SupervisedEnd =
  /** `isRestart`: the supervisor tried to start a dead process again; false for a request. */
  | { readonly kind: 'start-failed'; readonly cause: MirrorflowError; readonly isRestart: boolean }
  /** `exit`: such as `SIGKILL` or `exit code 70`; unknown for an adopted process. */
  | {
      readonly kind: 'died';
      readonly cause: MirrorflowError;
      readonly exit: string;
      readonly adopted: boolean;
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'predecessor-ended' }
  /** The predecessor runs and has not connected in time. */
  | { readonly kind: 'predecessor-late'; readonly cause: MirrorflowError };

/**
 * `start`: at once. `expect`: the predecessor is expected to connect. `replace`: the predecessor is
 * stopped. `retry`: by the restart policy, which may refuse. `rest`: nothing. `fail`: nothing until
 * a request.
 */
export type NextStep = 'start' | 'expect' | 'replace' | 'retry' | 'rest' | 'fail';

/** A process of an earlier parent that may own the place of the child. */
export interface Predecessor {
  /** Process id of the predecessor while it lives. */
  pid(): number | undefined;
  /** Stops the predecessor; resolves when it has ended. */
  stop(): Promise<void>;
  /** Time from the start of the supervisor in which a living predecessor connects. */
  readonly connectsWithinMs: number;
  /** The error for a predecessor that has not connected in time. */
  lateError(pid: number): MirrorflowError;
}

/** A request to end that a connected process gets before SIGTERM. */
export interface QuitRequest<Connection> {
  /** Resolves with the answer; false and a rejection are a refusal. */
  readonly ask: (connection: Connection) => Promise<unknown>;
  /** Time from the answer until SIGTERM is sent. */
  readonly withinMs: number;
}

export interface SupervisorOptions<Ready, Connection extends ProcessConnection> {
  /** What the child is, for messages: `the duplicator of flow e23001/spectra`. */
  readonly title: string;
  readonly clock: Clock;
  /** Starts a process. A throw is a failed start. */
  readonly launch: () => StartedProcess<Ready>;
  readonly decide: (end: SupervisedEnd) => NextStep;
  /** The state is another one now; called after the supervisor's other members have changed. */
  readonly changed: (state: SupervisionState) => void;
  readonly predecessor?: Predecessor;
  readonly restart?: RestartLimits;
  readonly quit?: QuitRequest<Connection>;
  /**
   * Ends what the process has left running. A requested stop runs it when the process has ended, or
   * when none ran, and is complete after it. Never rejects.
   */
  readonly afterStop?: () => Promise<void>;
}
