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
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { logFilePath } from '../../protocol/base/paths.js';
import { ownerOfRecord } from '../../protocol/host/clean-up/records.js';
import { AdoptableProcess } from '../../protocol/host/process-kit/adoptable-process.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import type { ProcessConnection } from '../../protocol/host/process-kit/supervised-process.js';
import type { SupervisionState } from '../../protocol/host/process-kit/supervision-state.js';
import { NATS_RECORD, writeNatsOptions, type NatsOptions } from '../../protocol/nats/options.js';
import type { StartFailure } from '../../protocol/rpc/contract/shapes.js';
import type { NatsReady } from '../../protocol/rpc/contract/sites.js';

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
  readonly #process: AdoptableProcess<NatsReady>;

  constructor(options: NatsProcessOptions) {
    this.#options = options;
    const { nats, clock, log } = options;
    this.#process = new AdoptableProcess<NatsReady>({
      names: {
        title: 'the NATS process',
        parent: 'this host server',
        refusal: 'the NATS process runs with options that were replaced',
      },
      clock,
      isWanted: nats !== undefined,
      living: () => this.#living(),
      launch: () => this.#launch(),
      belongs: () => true,
      hasOurOptions: (ready) => nats !== undefined && isSame(ready.options, nats),
      failed: ({ message }) => log.warn('the NATS process has ended', { cause: message }),
      changed: (state) => this.#changed(state),
    });
  }

  /**
   * Starts it, or expects a living one. Call when sessions are accepted. Throws as `prepareFile`.
   */
  start(): void {
    const { directory, nats } = this.#options;
    writeNatsOptions(directory, nats);
    this.#process.start();
  }

  /** See site.subscribe. Throws VERSION_MISMATCH or REFUSED, which ends the process. */
  subscribe(ready: NatsReady, connection: ProcessConnection): { adopted: boolean } {
    return this.#process.subscribe(ready, connection);
  }

  /** See child.failed. False when the token is not of this process's start. */
  startFailed(failure: StartFailure): boolean {
    return this.#process.startFailed(failure);
  }

  /** Continues without this host server; the next one adopts it. */
  release(): void {
    this.#process.supervisor.release();
  }

  /** Stops it and removes its options; resolves when it has ended. Idempotent. */
  async stop(): Promise<void> {
    await this.#process.close();
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

  #changed(state: SupervisionState): void {
    const { log } = this.#options;
    const { pid, cause } = this.#process.supervisor;
    if (state === 'running') log.info('the NATS process runs', { pid });
    else if (state === 'failed') {
      log.warn('the NATS process is not started again', { cause: cause?.message });
    }
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
