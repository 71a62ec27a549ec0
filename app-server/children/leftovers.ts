/**
 * Removes leftovers: flow files, images (copies of the newest buffer) and link sockets of
 * duplicators (the processes that own flow files) that died together with an earlier app server.
 * Flows that a client has reopened are spared, since a new duplicator takes over their files. Owned
 * by `app-server.ts`; deletes files in flow directory and runtime directory, after 5 s and at
 * close.
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
  /**
   * Drops unused flows from the table of flows and returns the names of the others, which have a
   * process or are open in a client.
   */
  readonly removeUnusedAndList: () => ReadonlySet<string>;
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
    const { application, removeUnusedAndList, log } = this.#options;
    try {
      const used = removeUnusedAndList();
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
