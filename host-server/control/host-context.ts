/** Who calls a host server. */
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

export interface HostContext {
  /** The permanent connection of the call; undefined over HTTP. */
  readonly session: HostSession | undefined;
  /** Where another host calls from; undefined for callers on this machine and over HTTP. */
  readonly peerAddress?: string;
}

export type HostSession = RpcSession<HostContext>;
