/**
 * The application's gateway (SpecTcl's services for old viewers), as its app server supervises it:
 * started, restarted after a death, adopted when an earlier app server has started it. An
 * application runs without its gateway; the reason stands in app.info. `AppServer` owns it. Starts
 * and stops processes, reads the gateway's record.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { appSocketPath, gatewayRecordPath, logFilePath } from '../../protocol/base/paths.js';
import { inspectGatewayRecord, readGatewayRecord } from '../../protocol/host/gateway-record.js';
import type { AdoptableProcess } from '../../protocol/host/process-kit/adoptable-process.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import type { ProcessConnection } from '../../protocol/host/process-kit/supervised-process.js';
import { changesAllowed } from '../../protocol/rpc/contract/changes-allowed.js';
import { gatewayArguments } from '../../protocol/rpc/contract/gateway-options.js';
import type {
  GatewayInfo,
  GatewayOptions,
  GatewayReady,
  StartFailure,
} from '../../protocol/rpc/contract/shapes.js';
import type { AppServerOptions } from '../options.js';
import { superviseApplicationChild } from './application-child.js';

export class GatewayProcess {
  readonly #server: AppServerOptions;
  readonly #options: GatewayOptions | undefined;
  readonly #clock: Clock;
  readonly #process: AdoptableProcess<GatewayReady>;

  constructor(server: AppServerOptions, clock: Clock, log: Logger) {
    this.#server = server;
    this.#options = gatewayOptionsOf(server.application);
    this.#clock = clock;
    this.#process = superviseApplicationChild<GatewayReady>(
      server.application.name,
      {
        kind: 'gateway',
        options: this.#options,
        living: () => this.#living(),
        launch: () => this.#launch(),
        words: {
          running: 'the gateway serves',
          failed: 'the gateway does not serve',
          abandoned: 'the gateway is not started again',
        },
        facts: ({ host, restPort, mirrorPort }) => ({ host, restPort, mirrorPort }),
      },
      clock,
      log,
    );
  }

  /** Starts the gateway, or expects a living one. Call when sessions are accepted. */
  start(): void {
    this.#process.start();
  }

  info(): GatewayInfo | undefined {
    if (this.#options === undefined) return undefined;
    const { state, cause, supervisor } = this.#process;
    const { restarts, pid, ready } = supervisor;
    return {
      state,
      restarts,
      ...(pid === undefined ? {} : { pid }),
      ...(ready === undefined
        ? {}
        : { host: ready.host, restPort: ready.restPort, mirrorPort: ready.mirrorPort }),
      ...(cause === undefined ? {} : { cause }),
    };
  }

  /**
   * A gateway reports that it listens. Throws VERSION_MISMATCH or REFUSED; the gateway then ends.
   */
  subscribe(ready: GatewayReady, connection: ProcessConnection): { adopted: boolean } {
    return this.#process.subscribe(ready, connection);
  }

  /** A child reports why it cannot start. False when its token is of no gateway. */
  startFailed(failure: StartFailure): boolean {
    return this.#process.startFailed(failure);
  }

  /** Stops the gateway, also one that has not subscribed; resolves when it has ended. */
  close(): Promise<void> {
    return this.#process.close();
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
