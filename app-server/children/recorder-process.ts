/**
 * The application's recorder, as its app server supervises it: started, restarted after a death,
 * adopted when an earlier app server has started it. An application runs without its recorder; the
 * reason stands in app.info. `AppServer` owns it. Starts and stops processes, reads the recorder's
 * record.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { appSocketPath, logFilePath, recorderRecordPath } from '../../protocol/base/paths.js';
import { recordingsDirectory } from '../../protocol/base/state-directory.js';
import type { AdoptableProcess } from '../../protocol/host/process-kit/adoptable-process.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import type { ProcessConnection } from '../../protocol/host/process-kit/supervised-process.js';
import { inspectRecorderRecord, readRecorderRecord } from '../../protocol/host/recorder-record.js';
import {
  recorderArguments,
  type RecordOptions,
  type RecorderInfo,
  type RecorderReady,
  type RecorderReport,
} from '../../protocol/rpc/contract/recorder.js';
import type { StartFailure } from '../../protocol/rpc/contract/shapes.js';
import type { AppServerOptions } from '../options.js';
import { superviseApplicationChild } from './application-child.js';

const NOTHING: RecorderReport = { state: 'waiting', bytes: 0, flows: [] };

export class RecorderProcess {
  readonly #server: AppServerOptions;
  readonly #options: RecordOptions | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #process: AdoptableProcess<RecorderReady>;
  /** What the present process, or the last, has reported. */
  #report = NOTHING;

  constructor(server: AppServerOptions, clock: Clock, log: Logger) {
    this.#server = server;
    this.#options = server.application.record;
    this.#clock = clock;
    this.#log = log;
    this.#process = superviseApplicationChild<RecorderReady>(
      server.application.name,
      {
        kind: 'recorder',
        options: this.#options,
        living: () => this.#living(),
        launch: () => this.#launch(),
        words: {
          running: 'the recorder runs',
          failed: 'the recorder does not run',
          abandoned: 'the recorder is not started again',
        },
      },
      clock,
      log,
    );
  }

  /** Starts it, or expects a living one. Call when sessions are accepted. */
  start(): void {
    this.#process.start();
  }

  info(): RecorderInfo | undefined {
    if (this.#options === undefined) return undefined;
    const { state, cause, supervisor } = this.#process;
    const { restarts, pid } = supervisor;
    const reason = cause ?? this.#report.cause;
    return {
      ...this.#report,
      state: state === 'running' ? this.#report.state : state,
      directory: this.#directory(this.#options),
      restarts,
      ...(pid === undefined ? {} : { pid }),
      ...(reason === undefined ? {} : { cause: reason }),
    };
  }

  /** A recorder reports that it runs. Throws VERSION_MISMATCH or REFUSED, which ends it. */
  subscribe(ready: RecorderReady, connection: ProcessConnection): { adopted: boolean } {
    return this.#process.subscribe(ready, connection);
  }

  /** See recorder.report. False when the connection is not that of the present recorder. */
  report(report: RecorderReport, connection: ProcessConnection): boolean {
    if (this.#process.supervisor.connection !== connection) return false;
    const isNew = report.state !== this.#report.state;
    this.#report = report;
    const { state, file, cause } = report;
    if (isNew) this.#log.info('the recorder has another state', { state, file, cause });
    return true;
  }

  /** A child reports why it cannot start. False when its token is of no recorder. */
  startFailed(failure: StartFailure): boolean {
    return this.#process.startFailed(failure);
  }

  /** Stops it, also one that has not subscribed; resolves when it has ended. */
  close(): Promise<void> {
    return this.#process.close();
  }

  #directory({ directory }: RecordOptions): string {
    const { application, stateDirectory } = this.#server;
    return directory ?? recordingsDirectory(stateDirectory, application.name);
  }

  #launch(): Child<RecorderReady> {
    const { application, directory, flowDirectory } = this.#server;
    const { name, record } = application;
    if (record === undefined) throw new MirrorflowError('BAD_OPTION', `${name} is not recorded`);
    this.#report = NOTHING;
    return new Child<RecorderReady>({
      title: `recorder ${name}`,
      script: programPath('recorder'),
      args: recorderArguments(name, {
        record,
        recordings: this.#directory(record),
        parent: appSocketPath(directory, name, 'control'),
        directory,
        flowDirectory,
      }),
      logFile: logFilePath(directory, 'recorder', name),
      clock: this.#clock,
    });
  }

  #living(): OwnerIdentity | undefined {
    const path = recorderRecordPath(this.#server.flowDirectory, this.#server.application.name);
    return inspectRecorderRecord(path).kind === 'owned' ? readRecorderRecord(path)?.owner : undefined;
  }
}
