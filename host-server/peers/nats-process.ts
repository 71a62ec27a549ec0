/**
 * The NATS process of this host, which publishes its flows to other sites and meets their hosts, as
 * the host server supervises it: started, restarted after a death, adopted when an earlier host
 * server has started it, since it carries data. Owned by `host-server.ts`. Starts and stops the
 * process; writes the options that it reads into the runtime directory.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { logFilePath } from '../../protocol/base/paths.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { ownerOfRecord } from '../../protocol/host/clean-up/records.js';
import { AdoptedProcess } from '../../protocol/host/process-kit/adopted-process.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import { stopForeign } from '../../protocol/host/process-kit/foreign-process.js';
import { errorOfStartFailure } from '../../protocol/host/process-kit/start-report.js';
import type { ProcessConnection } from '../../protocol/host/process-kit/supervised-process.js';
import type { SupervisionState } from '../../protocol/host/process-kit/supervision-state.js';
import type { NextStep, SupervisedEnd } from '../../protocol/host/process-kit/supervisor-options.js';
import { Supervisor } from '../../protocol/host/process-kit/supervisor.js';
import { NATS_RECORD, writeNatsOptions, type NatsOptions } from '../../protocol/nats/options.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import type { StartFailure } from '../../protocol/rpc/contract/shapes.js';
import type { NatsReady } from '../../protocol/rpc/contract/sites.js';

/**
 * A living NATS process of an earlier host server connects within this time, or is replaced: it
 * tries four times a second.
 */
const PREDECESSOR_CONNECTS_WITHIN_MS = 2_000;
/** An adopted process that lost its connection connects again within this time, or is stopped. */
const ADOPTED_RECONNECTS_WITHIN_MS = 3_000;

export interface NatsProcessOptions {
  readonly directory: string;
  readonly flowDirectory: string;
  /** Undefined: this host takes part in no collaboration. */
  readonly nats: NatsOptions | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export class NatsProcess {
  readonly #options: NatsProcessOptions;
  readonly #supervisor: Supervisor<NatsReady>;

  constructor(options: NatsProcessOptions) {
    this.#options = options;
    this.#supervisor = new Supervisor({
      title: 'the NATS process',
      clock: options.clock,
      launch: () => this.#launch(),
      decide: (end) => this.#decide(end),
      changed: (state) => this.#changed(state),
      predecessor: {
        pid: () => this.#living()?.pid,
        stop: () => this.#stopLiving(),
        connectsWithinMs: PREDECESSOR_CONNECTS_WITHIN_MS,
        lateError: (pid) => new MirrorflowError('TIMED_OUT', `the NATS process ${pid} is replaced`),
      },
    });
  }

  /**
   * Starts it, or expects a living one. Call when sessions are accepted. Throws as `prepareFile`.
   */
  start(): void {
    const { directory, nats } = this.#options;
    writeNatsOptions(directory, nats);
    // A predecessor that is not wanted any more is expected, then stopped.
    if (nats !== undefined || this.#living() !== undefined) this.#supervisor.start();
  }

  /** See site.subscribe. Throws VERSION_MISMATCH or REFUSED, which ends the process. */
  subscribe(ready: NatsReady, connection: ProcessConnection): { adopted: boolean } {
    if (ready.version !== PROTOCOL_VERSION) {
      const message = `the NATS process speaks version ${ready.version}, this host server ${PROTOCOL_VERSION}`;
      throw new MirrorflowError('VERSION_MISMATCH', message);
    }
    if (this.#supervisor.report(ready.identity.pid, ready.launch, ready, connection)) {
      return { adopted: false };
    }
    const { nats, clock } = this.#options;
    if (nats === undefined || !isSame(ready.options, nats)) {
      throw new MirrorflowError('REFUSED', 'the NATS process runs with options that were replaced');
    }
    const process = new AdoptedProcess({
      identity: identityFromWire(ready.identity),
      clock,
      reconnectWithinMs: ADOPTED_RECONNECTS_WITHIN_MS,
    });
    this.#supervisor.adopt(process, ready, connection);
    return { adopted: true };
  }

  /** See child.failed. False when the token is not of this process's start. */
  startFailed(failure: StartFailure): boolean {
    return this.#supervisor.startFailed(failure.launch, errorOfStartFailure(failure));
  }

  /** Continues without this host server; the next one adopts it. */
  release(): void {
    this.#supervisor.release();
  }

  /** Stops it and removes its options; resolves when it has ended. Idempotent. */
  async stop(): Promise<void> {
    await this.#supervisor.close();
    await this.#stopLiving();
    const { directory } = this.#options;
    // A process that was killed has left its record.
    rmSync(join(directory, NATS_RECORD), { force: true });
    writeNatsOptions(directory, undefined);
  }

  #launch(): Child<NatsReady> {
    const { directory, flowDirectory, clock } = this.#options;
    return new Child<NatsReady>({
      title: 'the NATS process',
      script: programPath('nats'),
      args: ['--directory', directory, '--flow-dir', flowDirectory],
      logFile: logFilePath(directory, 'nats'),
      clock,
    });
  }

  #decide(end: SupervisedEnd): NextStep {
    switch (end.kind) {
      case 'predecessor-late':
        return 'replace';
      case 'predecessor-ended':
      case 'stopped':
        return this.#options.nats === undefined ? 'rest' : 'start';
      case 'start-failed':
      case 'died':
        this.#options.log.warn('the NATS process has ended', { cause: end.cause.message });
        return 'retry';
      default:
        return end satisfies never;
    }
  }

  #changed(state: SupervisionState): void {
    const { log } = this.#options;
    const { pid, cause } = this.#supervisor;
    if (state === 'running') log.info('the NATS process runs', { pid });
    else if (state === 'failed') {
      log.warn('the NATS process is not started again', { cause: cause?.message });
    }
  }

  async #stopLiving(): Promise<void> {
    const living = this.#living();
    if (living !== undefined) await stopForeign(living, this.#options.clock);
  }

  #living(): OwnerIdentity | undefined {
    const owner = ownerOfRecord(join(this.#options.directory, NATS_RECORD));
    return owner?.alive === true ? owner : undefined;
  }
}

function isSame(text: string, options: NatsOptions): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(text), options);
  } catch {
    return false;
  }
}
