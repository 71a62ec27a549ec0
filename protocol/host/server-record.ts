/**
 * The record by which a host server or an app server owns its place, from the claim at its start to
 * its orderly end; its port follows when the server listens. `application-record.ts` and
 * `host-record.ts` claim one each. Creates, rewrites and removes the file, by `ClaimedRecord`.
 */
import { alreadyRunning, ClaimedRecord } from './claimed-record.js';

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
