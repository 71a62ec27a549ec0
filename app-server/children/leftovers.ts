/**
 * What duplicators that died with an earlier app server left of this application's flows. Those
 * that clients come back to are taken over or replaced by the duplicators that are started for
 * them; what nobody came back to is removed.
 */
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { Clock } from '../../protocol/base/clock.js';
import { sweepApplication } from '../../protocol/host/clean-up/flow-directory.js';
import { Sweep } from '../../protocol/host/clean-up/sweep.js';
import { linkSocketPath } from '../../protocol/base/paths.js';
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';

const FLOW_SUFFIX = '.flow';
/** Clients look for a restarted app server several times a second. */
const CLIENTS_ARE_BACK_MS = 5_000;

export interface LeftoversOptions {
  readonly directory: string;
  readonly flowDirectory: string;
  readonly application: string;
  /** Flows that run, are being started, or that somebody has open. */
  readonly inUse: () => ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Leftovers {
  readonly #options: LeftoversOptions;
  readonly #cancel: () => void;

  constructor(options: LeftoversOptions) {
    this.#options = options;
    this.#cancel = options.clock.after(CLIENTS_ARE_BACK_MS, () => this.remove(), true);
  }

  remove(): void {
    const { directory, flowDirectory, application, inUse, log } = this.#options;
    try {
      const used = inUse();
      const sweep = new Sweep(false);
      sweepApplication(sweep, flowDirectory, application, (flow) => used.has(flow));
      for (const { kind, path, outcome } of sweep.leftovers) {
        log.info('a leftover', { kind, path, outcome });
        // The socket of a duplicator has no owner of its own: it goes with the flow file.
        if (path.endsWith(FLOW_SUFFIX)) {
          rmSync(linkSocketPath(directory, application, basename(path, FLOW_SUFFIX)), { force: true });
        }
      }
    } catch (error) {
      log.warn('leftovers could not be looked for', { reason: describeError(error) });
    }
  }

  stop(): void {
    this.#cancel();
  }
}
