/**
 * The record file `apps/<app>.json` of the runtime directory, by which one living process owns the
 * name of an application on this host. It holds the owner's process identity, socket, port and
 * start options; the host server and clients find the app server by it. Owned by `app-server.ts`;
 * creates, rewrites and, at an orderly end, removes that file.
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

  /** Claims the name. Throws ALREADY_RUNNING with the pid while a living app server has it. */
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

  /** Completes the record, whose port is 0 until the server listens. */
  setPort(port: number): void {
    this.#claimed.replace(this.#record(port));
  }

  get path(): string {
    return this.#claimed.path;
  }

  /** Writes the record again where it was removed. Throws FILE_OWNED. */
  putBack(): void {
    this.#claimed.putBack();
  }

  /** Removes the record: the name is free again. */
  release(): void {
    this.#claimed.release();
  }

  #record(port: number) {
    const options = this.#options;
    return { name: options.name, ...identityToWire(ownIdentity()), socket: this.#socket, port, options };
  }
}
