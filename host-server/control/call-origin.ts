/**
 * Where a call to the host server comes from: attached to every call by the servers that take it
 * (`endpoints.ts`, `control-port.ts`), read by the handlers in `calls/` and by the rooms that keep
 * permanent connections. Types only.
 */
import type { Right } from '../../protocol/base/rights.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

export interface CallOrigin {
  /** The permanent connection that carried the call; undefined for a call over HTTP. */
  readonly session: HostSession | undefined;
  /** The right of its socket or token; a proof as a child process is known by the session. */
  readonly right: Right;
  /** IP address or name of the other host that calls; undefined for callers on this machine. */
  readonly peerAddress?: string;
  /** A caller over HTTP that has proved the shared secret, and may be on any machine. */
  readonly isElsewhere?: boolean;
}

/** A permanent connection of an app server, a console or another host server. */
export type HostSession = RpcSession<CallOrigin>;
