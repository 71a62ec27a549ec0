/**
 * What the main thread (MessageThread) and the messaging thread (MessageReceiver) send to each
 * other. Deliveries travel to the main thread as they are. Types only.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Attributes } from '../message-class.js';

export interface MessageThreadSettings {
  readonly port: MessagePort;
  /** Path of the app server's socket. */
  readonly socket: string;
  /** Memory of the queue's MessageRoom. */
  readonly room: SharedArrayBuffer;
}

export type MessageThreadCommand =
  /** Attributes of messages of this type are checked before they are acknowledged. */
  | { readonly kind: 'register'; readonly type: string; readonly attributes: Attributes }
  /** The client's session, at first and after each restart of the app server. */
  | { readonly kind: 'identify'; readonly session: string }
  /** Closes the connection and ends the thread. */
  | { readonly kind: 'close' };
