/**
 * Where a call to the app server comes from, and the checks that depend on nothing else: a method
 * for the host server only, a method for permanent connections only. The servers of `endpoints.ts`
 * attach a CallOrigin to every call, the handlers in `calls/` read it. Pure: no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

export interface CallOrigin {
  /** The permanent connection that carried the call; undefined for a call over HTTP. */
  readonly session: RpcSession<CallOrigin> | undefined;
  /** The connection leads to the host server, which also relays calls of other hosts. */
  readonly fromHost?: boolean;
}

/**
 * Throws NOT_PERMITTED for the methods that only the host server may call: it vouches for the name
 * of the calling host, which is their first parameter.
 */
export function authorizeOrigin(method: string, { fromHost }: CallOrigin): void {
  if (fromHost === true || (!method.startsWith('remote.') && method !== 'app.hosts')) return;
  throw new MirrorflowError('NOT_PERMITTED', `${method} is for the host server only`, { method });
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

/** The permanent connection of a call. Throws REFUSED over HTTP, CLOSED. */
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
