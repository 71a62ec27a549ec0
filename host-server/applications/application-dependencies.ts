/**
 * What an application needs of its host server: how its app server is started and found, what is in
 * its record, and how long it waits. Types only.
 */
import type { ApplicationReaders } from '../../protocol/rpc/contract/access-options.js';
import type { Clock } from '../../protocol/base/clock.js';
import type { MirrorflowError } from '../../protocol/base/errors.js';
import type { ChildSpec } from '../../protocol/host/process-kit/child.js';
import type { RestartLimits } from '../../protocol/host/process-kit/restart-policy.js';
import type { ApplicationOptions, ApplicationState } from '../../protocol/rpc/contract/shapes.js';

export interface ApplicationTimes {
  /** How long a started app server may take to report, or a living one to connect. */
  readonly readyTimeoutMs: number;
  /** From app.quit to SIGTERM: an app server stops its duplicators first. */
  readonly quitTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
  readonly restart: RestartLimits;
}

export interface ApplicationDependencies {
  readonly clock: Clock;
  readonly times: ApplicationTimes;
  /** How an app server with these options is started. */
  childSpec(options: ApplicationOptions): ChildSpec;
  /** Process id of the living app server that the application's record names. */
  runningServer(name: string): number | undefined;
  /** Stops that app server; resolves when it has ended. */
  stopServer(name: string): Promise<void>;
  /**
   * Whether there is a record, which an app server that ends in good order removes; true too while
   * another program removes records.
   */
  hasRecord(name: string): boolean;
  /** The users and groups that may read an application with these options. */
  readersOf(options: ApplicationOptions): ApplicationReaders;
  /** The options in the record. */
  recordedOptions(name: string): ApplicationOptions | undefined;
  /** An app server that runs has other values of these settings than the configuration. */
  notAsConfigured(name: string, changed: readonly string[]): void;
  removeLeftovers(name: string): void;
  /**
   * Stops the duplicators and the gateway that a dead app server has left, and removes their files;
   * nothing while an app server of the application runs. Never rejects.
   */
  stopOrphans(name: string): Promise<void>;
  /** The state or its cause has changed. */
  changed(name: string, state: ApplicationState, cause: MirrorflowError | undefined): void;
}
