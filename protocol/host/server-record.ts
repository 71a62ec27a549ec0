/**
 * The records by which a host server owns a runtime directory (`host.json`) and an app server the
 * name of an application on this host (`apps/<app>.json`). They hold the owner's process identity,
 * socket, port and, of an application, its start options; host servers and clients find servers by
 * them. Both servers claim theirs before they change any other file, so that a second one ends
 * without having disturbed the first. Creates, rewrites and, at an orderly end, removes the file.
 */
import { join } from 'node:path';
import { checkName } from '../base/names.js';
import { ownIdentity } from '../base/owner-identity.js';
import { identityToWire } from '../rpc/contract/identity-on-wire.js';
import type { ApplicationOptions } from '../rpc/contract/shapes.js';
import { alreadyRunning, ClaimedRecord } from './claimed-record.js';

/** Throws ALREADY_RUNNING with the pid when a living host server has the directory. */
export function claimHostRecord(directory: string, socket: string): ServerRecord {
  return new ServerRecord(
    join(directory, 'host.json'),
    // The port is that of XML-RPC over HTTP.
    (port) => ({ ...identityToWire(ownIdentity()), socket, port }),
    (pid) => {
      const owner = pid === 0 ? 'another host server' : `the host server with process id ${pid}`;
      const end = pid === 0 ? 'host.quit' : `kill ${pid}`;
      return `${owner} runs for ${directory} already; use it, end it with ${end}, or choose another directory`;
    },
  );
}

/** Claims the name. Throws ALREADY_RUNNING with the pid while a living app server has it. */
export function claimApplicationRecord(
  directory: string,
  options: ApplicationOptions,
  socket: string,
): ServerRecord {
  const name = checkName('application', options.name);
  return new ServerRecord(
    join(directory, 'apps', `${name}.json`),
    (port) => ({ name, ...identityToWire(ownIdentity()), socket, port, options }),
    (pid) =>
      `application ${name} is served by process ${pid} already; stop that one, or choose another name or directory`,
  );
}

export class ServerRecord {
  readonly #record: (port: number) => object;
  readonly #claimed: ClaimedRecord;

  /**
   * Claims the path. `record` makes the content, with port 0 at first. Throws ALREADY_RUNNING, with
   * `words` for the pid, while a living process has it.
   */
  constructor(path: string, record: (port: number) => object, words: (pid: number) => string) {
    this.#record = record;
    try {
      this.#claimed = new ClaimedRecord(path, record(0));
    } catch (error) {
      throw alreadyRunning(error, words);
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

  /** Removes the record: the place is free for the next server. */
  release(): void {
    this.#claimed.release();
  }
}
