/**
 * Regular expressions of addresses, for JSON schemas: a text matches one if `parseAddress` accepts
 * it. A test compares the two; `address.ts` gives the reasons of a refusal, which a pattern cannot.
 *
 * A socket's path may have characters beyond ASCII, of which the pattern counts one as a byte.
 * Pure. Source of the addresses of IPv6: RFC 4291, 2.2, as `isIPv6` of Node reads it.
 */
import type { AddressScheme } from './address.js';
import { LIMITS } from './limits.js';

const BYTE = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]\d|\d)`;
const IPV4 = String.raw`(?:${BYTE}\.){3}${BYTE}`;
const IPV6 = ipv6();
/** As HOST_NAME of address.ts, with its greatest length; digits and dots alone are IPv4. */
const HOST_NAME = String.raw`(?=[^:?]{1,253}(?:[:?]|$))(?![\d.]+(?:[:?]|$))[A-Za-z0-9_](?:[A-Za-z0-9._\-]*[A-Za-z0-9_])?\.?`;
const HOST = String.raw`(?:${HOST_NAME}|${IPV4}|\[${IPV6}\])`;
const PORT_OR_0 = String.raw`(?:[0-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])`;
const PORT = String.raw`(?!0+(?:&|$))${PORT_OR_0}`;
const SERVICE = String.raw`(?:${PORT}(?=&|$)|(?![0-9]+(?:&|$))(?=[^&]*[A-Za-z_])[A-Za-z0-9_][A-Za-z0-9._\-]{0,63})`;
/** Visible ASCII, each character as it is or as its number. */
const USER = String.raw`(?:[!-$'-~]|%(?:2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e])){1,64}`;
const PARAMETER = String.raw`(?:(?:rest|mirror)=${SERVICE}|user=${USER})`;
/** No parameter twice. */
const QUERY = String.raw`\?(?!(?:.*&)?(rest|mirror|user)=[^&]*&(?:.*&)?\1=)${PARAMETER}(?:&${PARAMETER})*`;
const SOCKET_PATH = String.raw`(?=.{1,${LIMITS.unixSocketPathBytes}}$)\/[^\u0000-\u001f\u007f]*`;

/** Pattern of addresses to connect to, or with `listening` to listen on. */
export function addressPattern(
  schemes: readonly AddressScheme[],
  options: { readonly listening?: boolean } = {},
): string {
  const port = options.listening === true ? PORT_OR_0 : PORT;
  const parts: Record<AddressScheme, string> = {
    tcp: `tcp://${HOST}:${port}`,
    tls: `tls://${HOST}:${port}`,
    unix: `unix:${SOCKET_PATH}`,
    spectcl: `spectcl://${HOST}(?:${QUERY})?`,
  };
  return `^(?:${schemes.map((scheme) => parts[scheme]).join('|')})$`;
}

/** Groups before and after the place of `::`, which stands once and for one group or more. */
function ipv6(): string {
  const group = '[0-9A-Fa-f]{1,4}';
  const forms = [`(?:${group}:){7}(?:${group}|:)`, `(?:${group}:){6}(?:${IPV4}|:${group}|:)`];
  for (let before = 5; before >= 0; before--) {
    const after = 5 - before;
    const withIpv4 = after === 0 ? `:${IPV4}` : `(?::${group}){0,${after}}:${IPV4}`;
    const start = before === 0 ? ':' : `(?:${group}:){${before}}`;
    forms.push(`${start}(?:${withIpv4}|(?::${group}){1,${after + 2}}|:)`);
  }
  return String.raw`(?:${forms.join('|')})(?:%[0-9A-Za-z\-.:]+)?`;
}
