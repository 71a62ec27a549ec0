/** What an application needs of its host server, and how patient it is. */
import type { Clock } from '../../protocol/base/clock.js';
import type { ApplicationOptions, ApplicationState } from '../../protocol/rpc/contract/shapes.js';
import type { MirrorflowError } from '../../protocol/base/errors.js';
import type { ChildSpec } from '../../protocol/host/process-kit/child.js';
import type { RestartLimits } from '../../protocol/host/process-kit/restart-policy.js';
import type { EndingTimes } from './app-server-process.js';

export interface ApplicationTimes extends EndingTimes {
  /** How long a started or remembered app server may take to report. */
  readonly readyTimeoutMs: number;
  readonly restart: RestartLimits;
}

export interface ApplicationDependencies {
  readonly clock: Clock;
  readonly times: ApplicationTimes;
  /** How an app server with these options is started. */
  childSpec(options: ApplicationOptions): ChildSpec;
  /** Whether its app server left a record, which one that ends in good order takes away. */
  hasRecord(name: string): boolean;
  /** What its app server wrote down about its options. */
  recordedOptions(name: string): ApplicationOptions | undefined;
  removeLeftovers(name: string): void;
  /** An application's state is another one now. */
  changed(name: string, state: ApplicationState, cause: MirrorflowError | undefined): void;
}
