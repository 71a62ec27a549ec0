/**
 * The application's gateway as its app server holds it: started, started again after a death, found
 * running and adopted when an earlier app server has started it. A gateway that cannot be had is no
 * reason for the application not to run; what is wrong stands in app.info.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../protocol/base/clock.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type {
  GatewayInfo,
  GatewayOptions,
  GatewayReady,
  StartFailure,
} from '../../protocol/rpc/contract/shapes.js';
import { appSocketPath, gatewayRecordPath, logFilePath } from '../../protocol/base/paths.js';
import { ERROR_CODES, MirrorflowError, describeError, type ErrorCode } from '../../protocol/base/errors.js';
import { inspectGatewayRecord, readGatewayRecord } from '../../protocol/host/gateway-record.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import { goneWithin, stopForeign } from '../../protocol/host/process-kit/foreign-process.js';
import { RestartPolicy } from '../../protocol/host/process-kit/restart-policy.js';
import type { AppServerOptions } from '../options.js';

/**
 * A gateway that lost its app server looks for it four times a second; this is several times as
 * long.
 */
const FOUND_SUBSCRIBES_WITHIN_MS = 2_000;
/** How long one that has ended its connection may take to come back or to end. */
const ADOPTED_RETURN_MS = 3_000;

/** The permanent connection of a gateway, as far as it is needed here. */
export interface GatewayConnection {
  readonly closed: Promise<void>;
}

type Running =
  | { readonly kind: 'own'; readonly child: Child<GatewayReady> }
  | { readonly kind: 'adopted'; readonly identity: OwnerIdentity; connection: GatewayConnection };

export class GatewayProcess {
  readonly #server: AppServerOptions;
  readonly #options: GatewayOptions | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #policy = new RestartPolicy();
  #running: Running | undefined;
  #ready: GatewayReady | undefined;
  #cause: string | undefined;
  #restarts = 0;
  #givenUp = false;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(server: AppServerOptions, clock: Clock, log: Logger) {
    this.#server = server;
    this.#options = server.application.gateway;
    this.#clock = clock;
    this.#log = log;
  }

  /** Starts it, or waits a moment for one that lives. Call when sessions are taken. */
  start(): void {
    if (this.#living() === undefined) this.#launch();
    else {
      this.#cancel = this.#clock.after(FOUND_SUBSCRIBES_WITHIN_MS, () => {
        if (this.#running === undefined) void this.#replace();
      });
    }
  }

  info(): GatewayInfo | undefined {
    if (this.#options === undefined) return undefined;
    const running = this.#running;
    const pid = running?.kind === 'own' ? running.child.pid : running?.identity.pid;
    return {
      state: this.#closed
        ? 'stopped'
        : this.#givenUp
          ? 'failed'
          : this.#ready === undefined
            ? 'starting'
            : 'running',
      restarts: this.#restarts,
      ...(pid === undefined ? {} : { pid }),
      ...(this.#ready === undefined
        ? {}
        : { host: this.#ready.host, restPort: this.#ready.restPort, mirrorPort: this.#ready.mirrorPort }),
      ...(this.#cause === undefined ? {} : { cause: this.#cause.slice(0, 4096) }),
    };
  }

  /** A gateway says that it listens. Throws VERSION_MISMATCH or REFUSED, which ends it. */
  subscribe(ready: GatewayReady, connection: GatewayConnection): { adopted: boolean } {
    const { name } = this.#server.application;
    if (ready.version !== PROTOCOL_VERSION) {
      const message = `the gateway speaks version ${ready.version}, this app server ${PROTOCOL_VERSION}`;
      throw new MirrorflowError('VERSION_MISMATCH', message);
    }
    const running = this.#running;
    if (running?.kind === 'own' && running.child.pid === ready.identity.pid && ready.application === name) {
      running.child.reportReady(ready);
      this.#begun(ready);
      return { adopted: false };
    }
    if (running?.kind === 'adopted' && running.identity.pid === ready.identity.pid) {
      running.connection = connection;
      this.#watch(running, connection);
      return { adopted: true };
    }
    const wanted = this.#options !== undefined && isDeepStrictEqual(ready.options, this.#options);
    if (!wanted || running !== undefined || this.#closed || ready.application !== name) {
      throw new MirrorflowError('REFUSED', `application ${name} has no use for this gateway`);
    }
    const adopted: Running = { kind: 'adopted', identity: identityFromWire(ready.identity), connection };
    this.#cancel?.();
    this.#running = adopted;
    this.#begun(ready);
    this.#watch(adopted, connection);
    return { adopted: true };
  }

  /** A child says why it cannot start. False when its token is of no gateway. */
  startFailed({ launch, code, message }: StartFailure): boolean {
    const running = this.#running;
    if (running?.kind !== 'own' || running.child.launch !== launch) return false;
    const known: ErrorCode = Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'START_FAILED';
    running.child.failed(known, message);
    return true;
  }

  /** Stops it, also one that has not subscribed; resolves when it has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    const running = this.#running;
    if (running?.kind === 'own') await running.child.stop();
    else await this.#stopLiving();
  }

  #launch(): void {
    const options = this.#options;
    if (this.#closed || options === undefined || this.#running !== undefined) return;
    const { application, directory, flowDirectory } = this.#server;
    let child: Child<GatewayReady>;
    try {
      child = new Child<GatewayReady>({
        title: `gateway ${application.name}`,
        script: programPath('gateway'),
        args: [
          '--app',
          application.name,
          '--options',
          JSON.stringify(options),
          '--parent',
          appSocketPath(directory, application.name),
          '--directory',
          directory,
          '--flow-dir',
          flowDirectory,
        ],
        logFile: logFilePath(directory, 'gateway', application.name),
        clock: this.#clock,
      });
    } catch (error) {
      this.#ended(describeError(error));
      return;
    }
    const running: Running = { kind: 'own', child };
    this.#running = running;
    void child.exited.then((outcome) => {
      if (this.#running !== running) return;
      const why = outcome.kind === 'start-failed' ? outcome.cause.message : `it ended (${outcome.exit})`;
      this.#ended(why);
    });
  }

  #begun(ready: GatewayReady): void {
    this.#ready = ready;
    this.#cause = undefined;
    this.#givenUp = false;
    const { host, restPort, mirrorPort } = ready;
    this.#log.info('the gateway serves', { pid: ready.identity.pid, host, restPort, mirrorPort });
  }

  /** The end of its connection is how the end of a process that is no child of ours is noticed. */
  #watch(running: Extract<Running, { kind: 'adopted' }>, connection: GatewayConnection): void {
    void connection.closed.then(async () => {
      if (this.#running !== running || running.connection !== connection) return;
      const gone = await goneWithin(running.identity, this.#clock, ADOPTED_RETURN_MS);
      if (this.#running !== running || running.connection !== connection) return;
      if (!gone) await stopForeign(running.identity, this.#clock);
      if (this.#running === running) this.#ended('its connection closed');
    });
  }

  #ended(why: string): void {
    this.#running = undefined;
    this.#ready = undefined;
    if (this.#closed) return;
    this.#cause = why;
    const decision = this.#policy.died(this.#clock.nowMs());
    this.#log.warn('the gateway does not serve', { why, next: decision.kind });
    if (decision.kind === 'give-up') {
      this.#givenUp = true;
      return;
    }
    this.#cancel = this.#clock.after(decision.delayMs, () => {
      this.#restarts += 1;
      this.#launch();
    });
  }

  /** One that lives has not subscribed, or has been refused: it goes, and ours comes. */
  async #replace(): Promise<void> {
    await this.#stopLiving();
    this.#launch();
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
