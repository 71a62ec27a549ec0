/**
 * The record file by which an app server owns its application's name on this host,
 * `apps/<app>.json`: one living process has it, and whoever looks for the application reads there
 * who that is and what it was started with.
 */
import { join } from 'node:path';
import { ClaimedRecord, alreadyRunning } from '../protocol/host/claimed-record.js';
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import type { ApplicationOptions } from '../protocol/rpc/contract/shapes.js';
import { checkName } from '../protocol/base/names.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';

export class ApplicationRecord {
  readonly #options: ApplicationOptions;
  readonly #socket: string;
  readonly #claimed: ClaimedRecord;

  /** Claims the name. Throws ALREADY_RUNNING with the pid when a living app server has it. */
  constructor(directory: string, options: ApplicationOptions, socket: string) {
    this.#options = options;
    this.#socket = socket;
    const name = checkName('application', options.name);
    try {
      this.#claimed = new ClaimedRecord(join(directory, 'apps', `${name}.json`), this.#record(0));
    } catch (error) {
      throw alreadyRunning(
        error,
        (pid) =>
          `application ${name} is served by process ${pid} already; stop that one, or choose another name or directory`,
      );
    }
  }

  /** The port is known now; 0 stood there before. */
  listensOn(port: number): void {
    this.#claimed.replace(this.#record(port));
  }

  /** Gives the name up. */
  release(): void {
    this.#claimed.release();
  }

  #record(port: number) {
    const options = this.#options;
    return { name: options.name, ...identityToWire(ownIdentity()), socket: this.#socket, port, options };
  }
}
