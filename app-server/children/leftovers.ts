/**
 * Removes what duplicators (the processes that own flow files) left behind that died together with
 * an earlier app server: flow files, images and link sockets of flows that no client has open
 * again. Flows that clients reopen are taken over by new duplicators instead. Owned by
 * `app-server.ts`; deletes files in the flow directory and the runtime directory.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { removeDeadFlows } from '../../protocol/host/clean-up/orphans.js';
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';

/** Clients try to reach a restarted app server several times a second. */
const CLIENTS_REATTACH_WITHIN_MS = 5_000;

export interface LeftoversOptions {
  /** Runtime directory. */
  readonly directory: string;
  readonly flowDirectory: string;
  readonly application: string;
  /** Names of the flows that have a process or that a client has open. */
  readonly inUse: () => ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Leftovers {
  readonly #options: LeftoversOptions;
  readonly #cancel: () => void;

  /** Removes them once, when clients have had time to reattach. */
  constructor(options: LeftoversOptions) {
    this.#options = options;
    this.#cancel = options.clock.after(CLIENTS_REATTACH_WITHIN_MS, () => this.remove(), true);
  }

  /** Removes them now. Failures are logged, never thrown. */
  remove(): void {
    const { application, inUse, log } = this.#options;
    try {
      const used = inUse();
      const leftovers = removeDeadFlows(this.#options, application, (flow) => used.has(flow));
      for (const { kind, path, outcome } of leftovers) log.info('a leftover', { kind, path, outcome });
    } catch (error) {
      log.warn('leftovers cannot be removed', { reason: describeError(error) });
    }
  }

  stop(): void {
    this.#cancel();
  }
}
