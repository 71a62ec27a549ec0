/**
 * What a supervisor needs of a process: `Child` (child.ts) is one that it has started,
 * `AdoptedProcess` (adopted-process.ts) one that an earlier parent has started. Types only.
 */
import type { MirrorflowError } from '../../base/errors.js';

/** The permanent connection of a process to its parent. */
export interface ProcessConnection {
  /** Resolves when the connection is closed, by either side. */
  readonly closed: Promise<void>;
}

export interface SupervisedProcess {
  readonly pid: number | undefined;
  /** False for a child of this process. */
  readonly adopted: boolean;
  /** Resolves, never rejects, when the process has ended: `SIGKILL`, `exit code 70`. */
  readonly exited: Promise<string>;
  /** SIGTERM, a bounded wait, SIGKILL; resolves when the process has ended. Idempotent. */
  stop(): Promise<unknown>;
  /** The process has connected, for the first time or again. */
  connected(connection: ProcessConnection): void;
  /** Ends the watch: the process continues without this parent. */
  release(): void;
}

/** A child that was started and may not have reported ready yet. */
export interface StartedProcess<Ready> extends SupervisedProcess {
  /** The token of this start, which its messages carry. */
  readonly launch: string;
  /** Rejects with the reason of a failed start. */
  readonly ready: Promise<Ready>;
  reportReady(ready: Ready): void;
  /** Reports the child's own reason for a start that failed. */
  failed(cause: MirrorflowError): void;
}
