/**
 * Where a call to the app server comes from, and the check of a method for permanent connections
 * only. The servers of `endpoints.ts` attach a CallOrigin to every call, the handlers in `calls/`
 * read it. Pure: no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Right } from '../../protocol/base/rights.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

export interface CallOrigin {
  /** The permanent connection that carried the call; undefined for a call over HTTP. */
  readonly session: RpcSession<CallOrigin> | undefined;
  /**
   * The right of the socket or token of the call. A session that has proved to be a child process
   * has the right `child` instead; CallerRights decides.
   */
  readonly right: Right;
}

/**
 * Throws CLOSED for a call whose connection has ended. Such a call was read in the moment in which
 * the connection closed; what it opens would never be released.
 */
export function refuseClosed(session: RpcSession<CallOrigin> | undefined): void {
  if (session !== undefined && session.state !== 'open') {
    throw new MirrorflowError('CLOSED', 'the connection has ended');
  }
}

/**
 * The permanent connection of a call. Throws REFUSED for a call over HTTP, CLOSED when the
 * connection has ended.
 */
export function requirePermanent({ session }: CallOrigin): RpcSession<CallOrigin> {
  if (session === undefined) {
    throw new MirrorflowError(
      'REFUSED',
      'this method is for programs with a permanent connection; it is not available over HTTP',
    );
  }
  refuseClosed(session);
  return session;
}
