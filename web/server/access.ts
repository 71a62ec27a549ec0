/**
 * Who may ask at all: requests for this server by a name it knows itself by, and WebSockets of its
 * own pages only. A foreign page that had its name resolve to this machine (DNS rebinding), or that
 * opens a WebSocket to it, is refused before anything is told. Pure.
 */
import { isIP } from 'node:net';
import { isLoopback } from '../../protocol/rpc/security/listening.js';

/** `[::1]:7391`, `localhost`, `daq.example.org:80` taken apart; undefined when it is none. */
export function splitHost(header: string | undefined): { host: string; port: string } | undefined {
  if (header === undefined || header.length > 300) return undefined;
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(header);
  if (match === null) return undefined;
  const host = (match[1] ?? '').toLowerCase();
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: match[2] ?? '' };
}

/**
 * Whether the Host header names this server: a loopback name, an address in digits (a name that
 * resolves to us is never one), or one of `names`.
 */
export function isOwnHost(header: string | undefined, names: readonly string[]): boolean {
  const found = splitHost(header);
  if (found === undefined) return false;
  return isLoopback(found.host) || isIP(found.host) !== 0 || names.includes(found.host);
}

/**
 * Whether a page of this very server asks: the Origin is `http://` or `https://` and the Host of
 * the same request.
 */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined) return false;
  const match = /^https?:\/\/(.+)$/.exec(origin);
  return match?.[1]?.toLowerCase() === host.toLowerCase();
}
