/**
 * The events that a client emits, and the receivers that a message can be sent to: types of the
 * public methods of Client, in a file of their own. Types only.
 */
import type { EventEmitter } from 'eventemitter3';
import type { FlowStatus } from './openings.js';

/** Receivers of a message. */
export type SendTarget =
  /** Every client of this name. */
  | { readonly client: string }
  /** Every client of the application but the sender. */
  | { readonly application: true }
  /** The provider of a flow. */
  | { readonly provider: string };

export interface ClientEvents {
  /** The status of a flow or mirror of this client has changed. */
  status: [change: FlowStatus];
  /** The session has ended; open flows and mirrors continue without it. */
  disconnected: [];
  /** The client has a new session, and its flows are opened there again. */
  reconnected: [];
  /** A message handler or `invoke` threw or rejected. Without a listener the error is logged. */
  messageError: [error: unknown, message: object];
  /** This client is requested to quit. Without a listener the client closes itself. */
  quit: [];
}

export type ClientEventName = EventEmitter.EventNames<ClientEvents>;
export type ClientEventListener<E extends ClientEventName> = EventEmitter.EventListener<ClientEvents, E>;
