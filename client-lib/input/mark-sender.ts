/**
 * Sends the marks of one flow to the app server, on a small connection of its own, so that they go
 * out from the flow thread whatever the main thread does. What cannot be sent waits for the app
 * server to be back; the client's main thread then says who it is now.
 */
import type { FlowMark } from '../../protocol/rpc/contract/deliveries.js';
import { FLOW_METHODS } from '../../protocol/rpc/contract/methods/flow.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { PermanentConnection } from '../../protocol/rpc/xml-rpc/permanent-connection.js';
import { clientLog } from '../client-log.js';

/** Marks that wait for the app server; the oldest go first. */
const WAITING_MAX = 256;
/** A call that still runs when the flow is closed. */
const CLOSE_GRACE_MS = 500;

/** Who reports a mark. */
export interface MarkIdentity {
  readonly session: string;
  readonly handle: number;
}

export class MarkSender {
  readonly #connection: PermanentConnection<undefined>;
  readonly #call: CallOf<typeof FLOW_METHODS>;
  #identity: MarkIdentity;
  #waiting: FlowMark[] = [];
  #last: FlowMark | undefined;
  #sending = false;

  /** @param socket the app server's */
  constructor(socket: string, identity: MarkIdentity) {
    this.#identity = identity;
    this.#connection = new PermanentConnection<undefined>(
      { path: socket },
      { context: () => undefined, log: clientLog, limits: { closeGraceMs: CLOSE_GRACE_MS } },
    );
    this.#connection.on('connected', () => void this.#send());
    this.#call = callerOf(FLOW_METHODS, this.#connection);
    this.#connection.start();
  }

  send(mark: FlowMark): void {
    this.#last = mark;
    this.#waiting.push(mark);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    void this.#send();
  }

  /** The client has another session or handle: an XOFF that still holds is said again there. */
  identify(identity: MarkIdentity): void {
    this.#identity = identity;
    if (this.#waiting.length === 0 && this.#last?.kind === 'xoff') this.#waiting.push(this.#last);
    void this.#send();
  }

  async close(): Promise<void> {
    this.#waiting = [];
    await this.#connection.close();
  }

  /**
   * One at a time, in order. What fails for now is tried again with the next mark, connection or
   * identity.
   */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#connection.state === 'connected') {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      const identity = this.#identity;
      try {
        await this.#call('flow.control', [identity.session, identity.handle, next]);
      } catch (error) {
        if (isMirrorflowError(error, 'INVALID_PARAMETERS')) continue;
        this.#waiting.unshift(next);
        if (identity === this.#identity) break;
      }
    }
    this.#sending = false;
  }
}
