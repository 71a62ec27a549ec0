/**
 * Checks of the Host and Origin headers, which `WebServer` makes before it answers: requests must
 * name this server, and WebSockets and posts must come from its own pages. They refuse a foreign
 * page whose host name resolves to this machine (DNS rebinding) or that opens a WebSocket to it.
 * Pure.
 */
import { isIP } from 'node:net';
import { isLoopback } from '../../protocol/rpc/security/listening.js';

/** Host and port of `[::1]:7391`, `localhost`, `daq.example.org:80`; undefined when invalid. */
export function splitHost(header: string | undefined): { host: string; port: string } | undefined {
  if (header === undefined || header.length > 300) return undefined;
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(header);
  if (match === null) return undefined;
  const host = (match[1] ?? '').toLowerCase();
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: match[2] ?? '' };
}

/**
 * Whether the Host header names this server: a loopback name, a numeric address (which no DNS
 * rebinding can use), or one of `names`.
 */
export function isOwnHost(header: string | undefined, names: readonly string[]): boolean {
  const host = splitHost(header)?.host;
  if (host === undefined) return false;
  return isLoopback(host) || isIP(host) !== 0 || names.includes(host);
}

/**
 * Whether a page of this server sent the request: its Origin is `http://` or `https://` followed
 * by its Host.
 */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined) return false;
  const match = /^https?:\/\/(.+)$/.exec(origin);
  return match?.[1]?.toLowerCase() === host.toLowerCase();
}
