/**
 * The record file `host.json`, by which one host server owns a runtime directory. It is claimed
 * before any other file in the directory is changed, so that a second host server ends without
 * having disturbed the first. Owned by `host-server.ts`; creates, rewrites and removes that file.
 */
import { join } from 'node:path';
import { ClaimedRecord, alreadyRunning } from '../../protocol/host/claimed-record.js';
import { identityToWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { ownIdentity } from '../../protocol/base/owner-identity.js';

export class HostRecord {
  readonly #socket: string;
  readonly #claimed: ClaimedRecord;

  /** Throws ALREADY_RUNNING with the pid when a living host server has the directory. */
  constructor(directory: string, socket: string) {
    this.#socket = socket;
    try {
      this.#claimed = new ClaimedRecord(join(directory, 'host.json'), this.#record(0));
    } catch (error) {
      throw alreadyRunning(error, (pid) => {
        const owner = pid === 0 ? 'another host server' : `the host server with process id ${pid}`;
        const end = pid === 0 ? 'host.quit' : `kill ${pid}`;
        return `${owner} runs for ${directory} already; use it, end it with ${end}, or choose another directory`;
      });
    }
  }

  /** Completes the record, whose port of XML-RPC over HTTP is 0 until the server listens. */
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

  /** Removes the record: the directory is free for the next host server. */
  release(): void {
    this.#claimed.release();
  }

  #record(port: number) {
    return { ...identityToWire(ownIdentity()), socket: this.#socket, port };
  }
}
