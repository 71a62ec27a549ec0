/**
 * The table of clients: programs that have presented themselves to this app server, each with a
 * session (a secret token that every later call carries). A session ends with its permanent
 * connection, or over HTTP after a minute without a call. Used by the handlers in `calls/`; opens
 * no socket: a permanent connection is any object, and its owner reports its end.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../protocol/base/clock.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { Presentation } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Caller } from '../../protocol/rpc/xml-rpc/contract.js';

/** Sessions of one application. */
const CLIENTS_MAX = 4096;

/** Client names that an error message lists. */
const NAMES_SHOWN = 32;

/** A client that has presented itself. Names may repeat; this object is the identity. */
export interface Client {
  /** The token of the session. */
  readonly session: string;
  readonly presentation: Presentation;
  readonly since: Date;
  /** The permanent connection that the session ends with; undefined over HTTP. */
  readonly connection: Caller | undefined;
}

interface Entry {
  readonly client: Client;
  lastCallMs: number;
  cancelIdle: () => void;
}

export class Clients {
  readonly #clock: Clock;
  readonly #onEnd: (client: Client, reason: string) => void;
  readonly #entries = new Map<string, Entry>();

  /** `onEnd` runs once for every session, in the event-loop turn in which it ends. */
  constructor(clock: Clock, onEnd: (client: Client, reason: string) => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  /** Begins a session. Throws VERSION_MISMATCH with both versions, LIMIT_REACHED. */
  present(presentation: Presentation, connection: Caller | undefined): Client {
    const { version } = presentation;
    if (version !== PROTOCOL_VERSION) {
      throw new MirrorflowError(
        'VERSION_MISMATCH',
        `client ${presentation.name} speaks protocol version ${version}, this app server version ${PROTOCOL_VERSION}; install the same mirrorflow on both`,
        { found: version, known: PROTOCOL_VERSION },
      );
    }
    if (this.#entries.size >= CLIENTS_MAX) {
      throw new MirrorflowError('LIMIT_REACHED', `${CLIENTS_MAX} clients are connected already`, {
        clients: CLIENTS_MAX,
      });
    }
    const session = randomBytes(16).toString('hex');
    const client: Client = { session, presentation, since: new Date(), connection };
    const entry: Entry = { client, lastCallMs: this.#clock.nowMs(), cancelIdle: () => undefined };
    this.#entries.set(session, entry);
    if (connection === undefined) this.#watchIdle(entry, LIMITS.rpcHttpSessionIdleMs);
    return client;
  }

  /** The client that makes a call; restarts its idle time. Throws UNKNOWN_SESSION. */
  calling(session: string): Client {
    const entry = this.#entries.get(session);
    if (entry === undefined) {
      throw new MirrorflowError(
        'UNKNOWN_SESSION',
        'there is no such session, or it has ended; present the client again',
      );
    }
    entry.lastCallMs = this.#clock.nowMs();
    return entry.client;
  }

  leave(session: string): void {
    this.#end(this.calling(session), 'it left');
  }

  /** Ends the sessions of a permanent connection that has closed. */
  connectionClosed(connection: object): void {
    for (const { client } of this.#entries.values()) {
      if (client.connection === connection) this.#end(client, 'its connection closed');
    }
  }

  /** The clients of one name. Throws UNKNOWN_CLIENT with the names that exist. */
  named(name: string): Client[] {
    const clients = this.list().filter(({ presentation }) => presentation.name === name);
    if (clients.length > 0) return clients;
    const names = [...new Set(this.list().map(({ presentation }) => presentation.name))].toSorted();
    const known =
      names.length === 0 ? 'none is connected' : `connected are: ${names.slice(0, NAMES_SHOWN).join(', ')}`;
    throw new MirrorflowError('UNKNOWN_CLIENT', `there is no client ${name}; ${known}`, { client: name });
  }

  list(): Client[] {
    return [...this.#entries.values()].map(({ client }) => client);
  }

  /** Ends every session. */
  close(): void {
    for (const { client } of this.#entries.values()) this.#end(client, 'the app server ends');
  }

  #end(client: Client, reason: string): void {
    const entry = this.#entries.get(client.session);
    if (entry === undefined) return;
    this.#entries.delete(client.session);
    entry.cancelIdle();
    this.#onEnd(client, reason);
  }

  #watchIdle(entry: Entry, delayMs: number): void {
    const check = (): void => {
      const remainingMs = entry.lastCallMs + LIMITS.rpcHttpSessionIdleMs - this.#clock.nowMs();
      if (remainingMs > 0) this.#watchIdle(entry, remainingMs);
      else this.#end(entry.client, `it did not call for ${LIMITS.rpcHttpSessionIdleMs} ms`);
    };
    entry.cancelIdle = this.#clock.after(delayMs, check, true);
  }
}
