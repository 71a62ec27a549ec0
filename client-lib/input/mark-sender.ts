/**
 * Sends the flow-control marks of one input flow to the app server, over a connection of its own,
 * so that a busy main thread delays none. Used in the flow thread. Marks wait while the app server
 * is unreachable; after its restart the main thread passes the new session by `identify`. Opens a
 * session with the app server.
 */
import type { FlowMark } from '../../protocol/rpc/contract/deliveries.js';
import { FLOW_METHODS } from '../../protocol/rpc/contract/methods/flow.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { PermanentConnection } from '../../protocol/rpc/xml-rpc/permanent-connection.js';
import { clientLog } from '../client-log.js';

/** Marks that wait for the app server; beyond this the oldest are dropped. */
const WAITING_MAX = 256;
/** Time for a call that is under way when the flow is closed. */
const CLOSE_GRACE_MS = 500;

/** The sender of a mark: session of the client, and handle of the flow. */
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

  /** `socket`: path of the app server's socket. */
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

  /** The client has another session or handle: an XOFF in force is sent again there. */
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
   * Sends one at a time, in order. A mark that fails is retried with the next mark, connection or
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
