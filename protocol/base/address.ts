/**
 * Parses and formats addresses. All programs use the same four schemes for connecting and for
 * listening: `tcp://host:port`, `tls://host:port`, `unix:/path` of a socket, and
 * `spectcl://host?rest=…&mirror=…&user=…` of a SpecTcl (the histogrammer whose spectra are
 * mirrored). Options, environment variables and messages of other programs are parsed here; a wrong
 * address is refused with a correct example. Pure: no I/O, no name resolution.
 */
import { isIPv4, isIPv6 } from 'node:net';

import { MirrorflowError } from './errors.js';
import { LIMITS } from './limits.js';

export interface TcpAddress {
  readonly scheme: 'tcp';
  /** Host name, IPv4 or IPv6 address; IPv6 without its brackets. */
  readonly host: string;
  /** 1 to 65535; 0 means any free port and is allowed only for listening. */
  readonly port: number;
}

export interface TlsAddress {
  readonly scheme: 'tls';
  readonly host: string;
  readonly port: number;
}

interface UnixAddress {
  readonly scheme: 'unix';
  /** Absolute path of the socket. */
  readonly path: string;
}

interface SpectclAddress {
  readonly scheme: 'spectcl';
  readonly host: string;
  /** Port of SpecTcl's REST server, or its service name at the port manager. */
  readonly rest: number | string;
  /** Port of SpecTcl's mirror server, or its service name at the port manager. */
  readonly mirror: number | string;
  /** The user for whom SpecTcl registered its services at the port manager. */
  readonly user?: string;
}

export type Address = TcpAddress | TlsAddress | UnixAddress | SpectclAddress;
export type AddressScheme = Address['scheme'];
export type AddressOf<S extends AddressScheme> = Extract<Address, { readonly scheme: S }>;

export interface AddressOptions<S extends AddressScheme> {
  /** Accepted schemes. Default: all. */
  readonly schemes?: readonly S[];
  /** True for an address to listen on, where port 0 is allowed. Default: false. */
  readonly listening?: boolean;
}

const EXAMPLES: Record<AddressScheme, string> = {
  tcp: 'tcp://localhost:4100 or tcp://[::1]:4100',
  tls: 'tls://daq.example.org:4100',
  unix: 'unix:/run/mirrorflow/host.read.sock',
  spectcl: 'spectcl://daq.example.org?rest=8000&mirror=8001&user=experiment',
};
const ALL_SCHEMES = Object.keys(EXAMPLES) as AddressScheme[];

const DEFAULT_REST_SERVICE = 'SpecTcl_REST';
const DEFAULT_MIRROR_SERVICE = 'SpecTcl_MIRROR';

const ADDRESS_CHARACTERS_MAX = 1024;
const HOST_CHARACTERS_MAX = 253;
const PORT_MAX = 65_535;
const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/;
const SERVICE_NAME = /^(?=.*[A-Za-z_])[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const USER_NAME = /^[\x21-\x7e]{1,64}$/;
// oxlint-disable-next-line no-control-regex -- no socket path may contain them
const CONTROL_CHARACTER = /[\0-\x1f\x7f]/;

/**
 * Parses one address. Throws BAD_ADDRESS with the reason and a correct example. `formatAddress`
 * turns the result into text that parses to an equal address.
 */
export function parseAddress<S extends AddressScheme = AddressScheme>(
  text: unknown,
  options: AddressOptions<S> = {},
): AddressOf<S> {
  const allowed: readonly AddressScheme[] = options.schemes ?? ALL_SCHEMES;
  const parsed = parseAny(text, allowed, options.listening ?? false);
  return parsed as AddressOf<S>;
}

function parseAny(text: unknown, allowed: readonly AddressScheme[], listening: boolean): Address {
  if (typeof text !== 'string')
    throw badAddress(text, `an address must be a string, not ${typeof text}`, allowed);
  if (text.length > ADDRESS_CHARACTERS_MAX) {
    throw badAddress(text, `it has ${text.length} characters, more than ${ADDRESS_CHARACTERS_MAX}`, allowed);
  }
  const colon = text.indexOf(':');
  const scheme = allowed.find((name) => name === text.slice(0, Math.max(colon, 0)));
  if (scheme === undefined) {
    throw badAddress(text, `it must begin with ${allowed.map((name) => `${name}:`).join(' or ')}`, allowed);
  }
  const rest = text.slice(colon + 1);
  const refuse = (reason: string): MirrorflowError => badAddress(text, reason, [scheme]);
  if (scheme === 'unix') return { scheme, path: checkSocketPath(rest, refuse) };
  if (!rest.startsWith('//')) throw refuse(`"//" is missing after "${scheme}:"`);
  const body = rest.slice(2);
  return scheme === 'spectcl' ? parseSpectcl(body, refuse) : parseHostPort(scheme, body, listening, refuse);
}

/** The address as text that `parseAddress` parses to an equal address. */
export function formatAddress(address: Address): string {
  switch (address.scheme) {
    case 'tcp':
    case 'tls':
      return `${address.scheme}://${bracketed(address.host)}:${address.port}`;
    case 'unix':
      return `unix:${address.path}`;
    case 'spectcl':
      return formatSpectcl(address);
    default:
      return address satisfies never;
  }
}

function formatSpectcl(address: SpectclAddress): string {
  const user = address.user === undefined ? '' : `&user=${encodeURIComponent(address.user)}`;
  return `spectcl://${bracketed(address.host)}?rest=${address.rest}&mirror=${address.mirror}${user}`;
}

type Refuse = (reason: string) => MirrorflowError;

function parseHostPort(
  scheme: 'tcp' | 'tls',
  body: string,
  listening: boolean,
  refuse: Refuse,
): TcpAddress | TlsAddress {
  const match = /^(\[[^\]]*\]|[^:]*):(.*)$/s.exec(body);
  if (match === null) throw refuse('the port is missing');
  const host = checkHost(match[1] ?? '', refuse);
  return { scheme, host, port: checkPort(match[2] ?? '', listening ? 0 : 1, refuse) };
}

function parseSpectcl(body: string, refuse: Refuse): SpectclAddress {
  const mark = body.indexOf('?');
  const hostText = mark < 0 ? body : body.slice(0, mark);
  if (/:\d*$/.test(hostText) && !hostText.endsWith(']') && !isIPv6(hostText)) {
    throw refuse('give the ports as ?rest= and ?mirror=');
  }
  const parameters = mark < 0 ? new Map<string, string>() : parseQuery(body.slice(mark + 1), refuse);
  const address = {
    scheme: 'spectcl',
    host: checkHost(hostText, refuse),
    rest: checkService('rest', parameters.get('rest') ?? DEFAULT_REST_SERVICE, refuse),
    mirror: checkService('mirror', parameters.get('mirror') ?? DEFAULT_MIRROR_SERVICE, refuse),
  } as const;
  const user = parameters.get('user');
  if (user === undefined) return address;
  if (!USER_NAME.test(user)) throw refuse('user= is not a user name');
  return { ...address, user };
}

function parseQuery(text: string, refuse: Refuse): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of text.split('&')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(equals, 0));
    if (key !== 'rest' && key !== 'mirror' && key !== 'user') {
      throw refuse(`${JSON.stringify(part)} is not one of rest=, mirror=, user=`);
    }
    if (parameters.has(key)) throw refuse(`${key}= is given twice`);
    const value = part.slice(equals + 1);
    try {
      // Ports and names of services have no characters that need a % sequence.
      parameters.set(key, key === 'user' ? decodeURIComponent(value) : value);
    } catch {
      throw refuse(`${key}= contains a malformed % sequence`);
    }
  }
  return parameters;
}

function checkHost(text: string, refuse: Refuse): string {
  if (text.startsWith('[')) {
    const host = text.slice(1, -1);
    if (!text.endsWith(']') || !isIPv6(host)) throw refuse(`${text} is not an IPv6 address in brackets`);
    return host;
  }
  if (isIPv6(text)) throw refuse('an IPv6 address must be enclosed in brackets');
  if (text === '') throw refuse('the host is missing');
  const isNumeric = /^[\d.]+$/.test(text);
  if (text.length > HOST_CHARACTERS_MAX || !(isNumeric ? isIPv4(text) : HOST_NAME.test(text))) {
    throw refuse(`${JSON.stringify(text)} is not a host name or IP address`);
  }
  return text;
}

function checkPort(text: string, lowest: 0 | 1, refuse: Refuse): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < lowest || port > PORT_MAX) {
    throw refuse(`${JSON.stringify(text)} is not a port from ${lowest} to ${PORT_MAX}`);
  }
  return port;
}

function checkService(key: string, text: string, refuse: Refuse): number | string {
  if (/^\d+$/.test(text)) return checkPort(text, 1, refuse);
  if (!SERVICE_NAME.test(text)) {
    throw refuse(`${key}=${JSON.stringify(text)} is neither a port nor a service name`);
  }
  return text;
}

function checkSocketPath(path: string, refuse: Refuse): string {
  if (!path.startsWith('/')) throw refuse('the path of a socket must be absolute');
  if (CONTROL_CHARACTER.test(path)) throw refuse('the path contains a control character');
  const bytes = Buffer.byteLength(path);
  if (bytes > LIMITS.unixSocketPathBytes) {
    throw refuse(`the path has ${bytes} bytes, the system allows ${LIMITS.unixSocketPathBytes}`);
  }
  return path;
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

function badAddress(text: unknown, reason: string, schemes: readonly AddressScheme[]): MirrorflowError {
  const shown = typeof text === 'string' ? JSON.stringify(text.slice(0, 120)) : typeof text;
  const examples = schemes.map((scheme) => EXAMPLES[scheme]).join(', ');
  return new MirrorflowError(
    'BAD_ADDRESS',
    `${shown} is not a valid address: ${reason}; use, for example, ${examples}`,
    { reason },
  );
}
