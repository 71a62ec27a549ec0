/**
 * The application's recorder, as its app server supervises it: started, restarted after a death,
 * adopted when an earlier app server has started it. An application runs without its recorder; the
 * reason stands in app.info. `AppServer` owns it. Starts and stops processes, reads the recorder's
 * record.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { appSocketPath, logFilePath, recorderRecordPath } from '../../protocol/base/paths.js';
import { recordingsDirectory } from '../../protocol/base/state-directory.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { AdoptedProcess } from '../../protocol/host/process-kit/adopted-process.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import { stopForeign } from '../../protocol/host/process-kit/foreign-process.js';
import { errorOfStartFailure } from '../../protocol/host/process-kit/start-report.js';
import type { ProcessConnection } from '../../protocol/host/process-kit/supervised-process.js';
import type { SupervisionState } from '../../protocol/host/process-kit/supervision-state.js';
import { Supervisor } from '../../protocol/host/process-kit/supervisor.js';
import type { NextStep, SupervisedEnd } from '../../protocol/host/process-kit/supervisor-options.js';
import { inspectRecorderRecord, readRecorderRecord } from '../../protocol/host/recorder-record.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import {
  recorderArguments,
  type RecordOptions,
  type RecorderInfo,
  type RecorderReady,
  type RecorderReport,
} from '../../protocol/rpc/contract/recorder.js';
import type { StartFailure } from '../../protocol/rpc/contract/shapes.js';
import type { AppServerOptions } from '../options.js';

/**
 * A living recorder of an earlier app server connects within this time, or is replaced: it tries
 * four times a second.
 */
const PREDECESSOR_CONNECTS_WITHIN_MS = 2_000;
/** An adopted recorder that lost its connection connects again within this time, or is stopped. */
const ADOPTED_RECONNECTS_WITHIN_MS = 3_000;
/** A longer cause is cut where it is reported. */
const CAUSE_CHARACTERS_MAX = 4096;

const NOTHING: RecorderReport = { state: 'waiting', bytes: 0, flows: [] };

export class RecorderProcess {
  readonly #server: AppServerOptions;
  readonly #options: RecordOptions | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #supervisor: Supervisor<RecorderReady>;
  /** What the present process, or the last, has reported. */
  #report = NOTHING;

  constructor(server: AppServerOptions, clock: Clock, log: Logger) {
    this.#server = server;
    this.#options = server.application.record;
    this.#clock = clock;
    this.#log = log;
    const { name } = server.application;
    this.#supervisor = new Supervisor({
      title: `the recorder of ${name}`,
      clock,
      launch: () => this.#launch(),
      decide: (end) => this.#decide(end),
      changed: (state) => this.#changed(state),
      predecessor: {
        pid: () => this.#living()?.pid,
        stop: () => this.#stopLiving(),
        connectsWithinMs: PREDECESSOR_CONNECTS_WITHIN_MS,
        lateError: (pid) =>
          new MirrorflowError('TIMED_OUT', `the recorder of ${name} (process ${pid}) is replaced`),
      },
    });
  }

  /** Starts it, or expects a living one. Call when sessions are accepted. */
  start(): void {
    // A predecessor of an application that is not recorded any more is expected, then stopped.
    if (this.#options !== undefined || this.#living() !== undefined) this.#supervisor.start();
  }

  info(): RecorderInfo | undefined {
    if (this.#options === undefined) return undefined;
    const { state, restarts, pid, cause } = this.#supervisor;
    const { cause: reported, ...report } = this.#report;
    const reason = cause?.message.slice(0, CAUSE_CHARACTERS_MAX) ?? reported;
    return {
      ...report,
      state: state === 'running' ? report.state : stateWithout(state),
      directory: this.#directory(this.#options),
      restarts,
      ...(pid === undefined ? {} : { pid }),
      ...(reason === undefined ? {} : { cause: reason }),
    };
  }

  /** A recorder reports that it runs. Throws VERSION_MISMATCH or REFUSED, which ends it. */
  subscribe(ready: RecorderReady, connection: ProcessConnection): { adopted: boolean } {
    const { name } = this.#server.application;
    if (ready.version !== PROTOCOL_VERSION) {
      const message = `the recorder speaks version ${ready.version}, this app server ${PROTOCOL_VERSION}`;
      throw new MirrorflowError('VERSION_MISMATCH', message);
    }
    const isOurs = ready.application === name;
    if (isOurs && this.#supervisor.report(ready.identity.pid, ready.launch, ready, connection)) {
      return { adopted: false };
    }
    const hasOurOptions = this.#options !== undefined && isDeepStrictEqual(ready.options, this.#options);
    if (!isOurs || !hasOurOptions) {
      throw new MirrorflowError('REFUSED', `application ${name} has no use for this recorder`);
    }
    const process = new AdoptedProcess({
      identity: identityFromWire(ready.identity),
      clock: this.#clock,
      reconnectWithinMs: ADOPTED_RECONNECTS_WITHIN_MS,
    });
    this.#supervisor.adopt(process, ready, connection);
    return { adopted: true };
  }

  /** See recorder.report. False when the connection is not that of the present recorder. */
  report(report: RecorderReport, connection: ProcessConnection): boolean {
    if (this.#supervisor.connection !== connection) return false;
    const isNew = report.state !== this.#report.state;
    this.#report = report;
    const { state, file, cause } = report;
    if (isNew) this.#log.info('the recorder has another state', { state, file, cause });
    return true;
  }

  /** A child reports why it cannot start. False when its token is of no recorder. */
  startFailed(failure: StartFailure): boolean {
    return this.#supervisor.startFailed(failure.launch, errorOfStartFailure(failure));
  }

  /** Stops it, also one that has not subscribed; resolves when it has ended. */
  async close(): Promise<void> {
    await this.#supervisor.close();
    await this.#stopLiving();
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

  #decide(end: SupervisedEnd): NextStep {
    switch (end.kind) {
      case 'predecessor-late':
        return 'replace';
      case 'predecessor-ended':
      case 'stopped':
        return this.#options === undefined ? 'rest' : 'start';
      case 'start-failed':
      case 'died':
        this.#log.warn('the recorder does not run', { reason: end.cause.message });
        return 'retry';
      default:
        return end satisfies never;
    }
  }

  #changed(state: SupervisionState): void {
    const { pid, cause } = this.#supervisor;
    if (state === 'running') this.#log.info('the recorder runs', { pid });
    else if (state === 'failed')
      this.#log.warn('the recorder is not started again', { reason: cause?.message });
  }

  async #stopLiving(): Promise<void> {
    const living = this.#living();
    if (living !== undefined) await stopForeign(living, this.#clock);
  }

  #living(): OwnerIdentity | undefined {
    const path = recorderRecordPath(this.#server.flowDirectory, this.#server.application.name);
    return inspectRecorderRecord(path).kind === 'owned' ? readRecorderRecord(path)?.owner : undefined;
  }
}

/** The state of a recorder whose process does not run. */
function stateWithout(state: Exclude<SupervisionState, 'running'>): RecorderInfo['state'] {
  if (state === 'failed') return 'failed';
  return state === 'closed' ? 'stopped' : 'starting';
}
