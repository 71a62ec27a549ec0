/**
 * The one process that a supervisor counts as its child: the process, its permanent connection and
 * what it has reported. Empty while none is started or adopted. Used by supervisor.ts. Pure
 * bookkeeping.
 */
import type { ProcessConnection, StartedProcess, SupervisedProcess } from './supervised-process.js';

export class CurrentProcess<Ready, Connection extends ProcessConnection> {
  #process: SupervisedProcess | StartedProcess<Ready> | undefined;
  #connection: Connection | undefined;
  #ready: Ready | undefined;

  get process(): SupervisedProcess | undefined {
    return this.#process;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  get ready(): Ready | undefined {
    return this.#ready;
  }

  set(process: SupervisedProcess | StartedProcess<Ready>): void {
    this.clear();
    this.#process = process;
  }

  clear(): void {
    this.#process = undefined;
    this.#connection = undefined;
    this.#ready = undefined;
  }

  /** The child that was started with this token. */
  startedWith(launch: string | undefined): StartedProcess<Ready> | undefined {
    const process = this.#process;
    return process !== undefined && 'launch' in process && process.launch === launch ? process : undefined;
  }

  /** The process has connected, for the first time or again. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.#process?.connected(connection);
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
  }

  reported(ready: Ready): void {
    this.#ready = ready;
  }
}
