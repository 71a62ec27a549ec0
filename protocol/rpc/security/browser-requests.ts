/**
 * What the headers of an HTTP request say about its sender: whether it names this server, comes
 * from a page of this server, from any browser, or through a proxy. The web viewer and the REST
 * service of the gateway ask before they answer. This refuses foreign pages that reach this machine
 * through a browser: by a host name that resolves to it (DNS rebinding), or by a plain request. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from './listening.js';

/** Headers by which proxies name the machine that they answer for. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];
/** Headers that only browsers send. (`fetch` of Node sends `sec-fetch-mode` alone.) */
const BROWSER_HEADERS = ['origin', 'referer', 'sec-fetch-site'];

/** Host and port of `[::1]:7391`, `localhost`, `daq.example.org:80`; undefined when invalid. */
export function splitHost(header: string | undefined): { host: string; port: string } | undefined {
  if (header === undefined || header.length > 300) return undefined;
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(header);
  if (match === null) return undefined;
  const host = (match[1] ?? '').toLowerCase().replace(/\.$/, '');
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: match[2] ?? '' };
}

/**
 * Whether the Host header names this server: a loopback name, a numeric address (which no DNS
 * rebinding can use), or one of `names`, which are lower case.
 */
export function isOwnHost(header: string | undefined, names: readonly string[]): boolean {
  const host = splitHost(header)?.host;
  if (host === undefined) return false;
  return isLoopback(host) || isIP(host) !== 0 || names.includes(host);
}

/** Whether the Host header is a loopback name, which no other machine uses for this one. */
export function isLoopbackHost(header: string | undefined): boolean {
  const host = splitHost(header)?.host;
  return host !== undefined && isLoopback(host);
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

/** Whether the request came through a proxy, so that its sender may be on another machine. */
export function isProxied(headers: IncomingHttpHeaders): boolean {
  return PROXY_HEADERS.some((name) => headers[name] !== undefined);
}

/**
 * Whether a browser sent the request. Over HTTP without TLS browsers leave out `Sec-Fetch-…`, and a
 * page can suppress `Origin` and `Referer`; every browser calls itself Mozilla.
 */
export function isFromBrowser(headers: IncomingHttpHeaders): boolean {
  return (
    BROWSER_HEADERS.some((name) => headers[name] !== undefined) ||
    (headers['user-agent'] ?? '').startsWith('Mozilla/')
  );
}

/** Whether the request may change anything: it is of a page of this server, or of no browser. */
export function mayChange(headers: IncomingHttpHeaders): boolean {
  if (!isFromBrowser(headers)) return true;
  const { origin, host } = headers;
  if (origin !== undefined) return isOwnOrigin(origin, host);
  return headers['sec-fetch-site'] === 'same-origin';
}
