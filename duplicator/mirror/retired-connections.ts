/**
 * Mirror connections that were left before their first reply, for example because the source did
 * not answer. Neither end of such a connection is safe for SpecTcl at once: a reset may abort it,
 * and an end of the stream can cost it a thread when the next connection arrives at the same moment
 * (see MirrorConnection). So each stays open until its successor has been connected for a moment.
 * Used by SpecTclSource. Pure but for the clock, which is passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { MirrorConnection } from './mirror-connection.js';

/** Time from the connection of a successor to the end of its predecessors, milliseconds. */
const SUCCESSOR_LEAD_MS = 20;
/** Time after an end in which the source is not connected again, milliseconds. */
const QUIET_MS = 50;

export class RetiredConnections {
  readonly #clock: Clock;
  readonly #connections = new Set<MirrorConnection>();
  /** Clock reading from which connecting is safe. */
  #quietUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The connection is not used any more. Idempotent. */
  retire(connection: MirrorConnection): void {
    connection.abandon(); // a connection that had a reply is closed by this
    if (!connection.closed) this.#connections.add(connection);
  }

  /** A new connection to the same source is open; what was retired before ends shortly. */
  successorConnected(): void {
    const retired = [...this.#connections];
    if (retired.length === 0) return;
    this.#quietUntilMs = this.#clock.nowMs() + SUCCESSOR_LEAD_MS + QUIET_MS;
    this.#clock.after(SUCCESSOR_LEAD_MS, () => {
      for (const connection of retired) this.#end(connection);
    });
  }

  /** Milliseconds until the source may be connected, REST included; negative: at once. */
  get quietMs(): number {
    return this.#quietUntilMs - this.#clock.nowMs();
  }

  /** Ends all of them now: no successor will follow. */
  close(): void {
    for (const connection of this.#connections) this.#end(connection);
  }

  #end(connection: MirrorConnection): void {
    this.#connections.delete(connection);
    connection.destroy();
  }
}
