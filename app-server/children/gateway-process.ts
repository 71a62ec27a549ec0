/**
 * The application's gateway (SpecTcl's services for old viewers), as its app server supervises it:
 * started, restarted after a death, adopted when an earlier app server has started it. An
 * application runs without its gateway; the reason stands in app.info. `AppServer` owns it. Starts
 * and stops processes, reads the gateway's record.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { appSocketPath, gatewayRecordPath, logFilePath } from '../../protocol/base/paths.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { inspectGatewayRecord, readGatewayRecord } from '../../protocol/host/gateway-record.js';
import { AdoptedProcess } from '../../protocol/host/process-kit/adopted-process.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import { errorOfStartFailure } from '../../protocol/host/process-kit/start-report.js';
import { stopForeign } from '../../protocol/host/process-kit/foreign-process.js';
import type { ProcessConnection } from '../../protocol/host/process-kit/supervised-process.js';
import type { SupervisionState } from '../../protocol/host/process-kit/supervision-state.js';
import { Supervisor } from '../../protocol/host/process-kit/supervisor.js';
import type { NextStep, SupervisedEnd } from '../../protocol/host/process-kit/supervisor-options.js';
import { changesAllowed } from '../../protocol/rpc/contract/changes-allowed.js';
import { gatewayArguments } from '../../protocol/rpc/contract/gateway-options.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import type {
  GatewayInfo,
  GatewayOptions,
  GatewayReady,
  StartFailure,
} from '../../protocol/rpc/contract/shapes.js';
import type { AppServerOptions } from '../options.js';

/**
 * A living gateway of an earlier app server connects within this time, or is replaced: it tries
 * four times a second.
 */
const PREDECESSOR_CONNECTS_WITHIN_MS = 2_000;
/** An adopted gateway that lost its connection connects again within this time, or is stopped. */
const ADOPTED_RECONNECTS_WITHIN_MS = 3_000;
/** Longest cause of a failure in app.info; a longer one is cut. */
const CAUSE_CHARACTERS_MAX = 4096;

const GATEWAY_STATES: Readonly<Record<SupervisionState, GatewayInfo['state']>> = {
  idle: 'starting',
  starting: 'starting',
  expecting: 'starting',
  running: 'running',
  stopping: 'starting',
  delayed: 'starting',
  failed: 'failed',
  closed: 'stopped',
};

export class GatewayProcess {
  readonly #server: AppServerOptions;
  readonly #options: GatewayOptions | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #supervisor: Supervisor<GatewayReady>;

  constructor(server: AppServerOptions, clock: Clock, log: Logger) {
    this.#server = server;
    this.#options = gatewayOptionsOf(server.application);
    this.#clock = clock;
    this.#log = log;
    const { name } = server.application;
    this.#supervisor = new Supervisor({
      title: `the gateway of ${name}`,
      clock,
      launch: () => this.#launch(),
      decide: (end) => this.#decide(end),
      changed: (state) => this.#changed(state),
      predecessor: {
        pid: () => this.#living()?.pid,
        stop: () => this.#stopLiving(),
        connectsWithinMs: PREDECESSOR_CONNECTS_WITHIN_MS,
        lateError: (pid) =>
          new MirrorflowError('TIMED_OUT', `the gateway of ${name} (process ${pid}) is replaced`),
      },
    });
  }

  /** Starts the gateway, or expects a living one. Call when sessions are accepted. */
  start(): void {
    // A predecessor of an application that has no gateway any more is expected, then stopped.
    if (this.#options !== undefined || this.#living() !== undefined) this.#supervisor.start();
  }

  info(): GatewayInfo | undefined {
    if (this.#options === undefined) return undefined;
    const { state, restarts, pid, ready, cause } = this.#supervisor;
    return {
      state: GATEWAY_STATES[state],
      restarts,
      ...(pid === undefined ? {} : { pid }),
      ...(ready === undefined
        ? {}
        : { host: ready.host, restPort: ready.restPort, mirrorPort: ready.mirrorPort }),
      ...(cause === undefined ? {} : { cause: cause.message.slice(0, CAUSE_CHARACTERS_MAX) }),
    };
  }

  /**
   * A gateway reports that it listens. Throws VERSION_MISMATCH or REFUSED; the gateway then ends.
   */
  subscribe(ready: GatewayReady, connection: ProcessConnection): { adopted: boolean } {
    const { name } = this.#server.application;
    if (ready.version !== PROTOCOL_VERSION) {
      const message = `the gateway speaks version ${ready.version}, this app server ${PROTOCOL_VERSION}`;
      throw new MirrorflowError('VERSION_MISMATCH', message);
    }
    const isOurs = ready.application === name;
    if (isOurs && this.#supervisor.report(ready.identity.pid, ready.launch, ready, connection)) {
      return { adopted: false };
    }
    const hasOurOptions = this.#options !== undefined && isDeepStrictEqual(ready.options, this.#options);
    if (!isOurs || !hasOurOptions) {
      throw new MirrorflowError('REFUSED', `application ${name} has no use for this gateway`);
    }
    const process = new AdoptedProcess({
      identity: identityFromWire(ready.identity),
      clock: this.#clock,
      reconnectWithinMs: ADOPTED_RECONNECTS_WITHIN_MS,
    });
    this.#supervisor.adopt(process, ready, connection);
    return { adopted: true };
  }

  /** A child reports why it cannot start. False when its token is of no gateway. */
  startFailed(failure: StartFailure): boolean {
    return this.#supervisor.startFailed(failure.launch, errorOfStartFailure(failure));
  }

  /** Stops the gateway, also one that has not subscribed; resolves when it has ended. */
  async close(): Promise<void> {
    await this.#supervisor.close();
    await this.#stopLiving();
  }

  #launch(): Child<GatewayReady> {
    const { application, directory, flowDirectory, security } = this.#server;
    const { name } = application;
    const gateway = this.#options;
    const { tlsCert, tlsKey } = security.files;
    if (gateway === undefined) throw new MirrorflowError('BAD_OPTION', `${name} has no gateway`);
    return new Child<GatewayReady>({
      title: `gateway ${name}`,
      script: programPath('gateway'),
      args: gatewayArguments(name, {
        gateway,
        parent: appSocketPath(directory, name, 'control'),
        ...(tlsCert !== undefined && tlsKey !== undefined && { tlsCert, tlsKey }),
        directory,
        flowDirectory,
      }),
      logFile: logFilePath(directory, 'gateway', name),
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
        this.#log.warn('the gateway does not serve', { reason: end.cause.message });
        return 'retry';
      default:
        return end satisfies never;
    }
  }

  #changed(state: SupervisionState): void {
    const { ready, pid, cause } = this.#supervisor;
    if (state === 'running' && ready !== undefined) {
      const { host, restPort, mirrorPort } = ready;
      this.#log.info('the gateway serves', { pid, host, restPort, mirrorPort });
    } else if (state === 'failed') {
      this.#log.warn('the gateway is not started again', { reason: cause?.message });
    }
  }

  async #stopLiving(): Promise<void> {
    const living = this.#living();
    if (living !== undefined) await stopForeign(living, this.#clock);
  }

  #living(): OwnerIdentity | undefined {
    const path = gatewayRecordPath(this.#server.flowDirectory, this.#server.application.name);
    return inspectGatewayRecord(path).kind === 'owned' ? readGatewayRecord(path)?.owner : undefined;
  }
}

/** The gateway's own options, with the rule of its application about changes. */
function gatewayOptionsOf(application: AppServerOptions['application']): GatewayOptions | undefined {
  const { gateway } = application;
  return gateway === undefined ? undefined : { ...gateway, allowChanges: changesAllowed(application) };
}
