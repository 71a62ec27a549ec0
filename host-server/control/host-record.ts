/**
 * The record by which one host server owns a runtime directory: `host.json`, claimed before
 * anything else is touched, so that a second one ends without having disturbed the first.
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
        const who = pid === 0 ? 'another host server' : `the host server with process id ${pid}`;
        const end = pid === 0 ? 'host.quit' : `kill ${pid}`;
        return `${who} runs for ${directory} already; use it, end it with ${end}, or choose another directory`;
      });
    }
  }

  /** The port of XML-RPC over HTTP is known now; 0 stood there before. */
  listensOn(port: number): void {
    this.#claimed.replace(this.#record(port));
  }

  /** Gives the directory to the next host server. */
  release(): void {
    this.#claimed.release();
  }

  #record(port: number) {
    return { ...identityToWire(ownIdentity()), socket: this.#socket, port };
  }
}
