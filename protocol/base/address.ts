/**
 * The one address syntax wherever something is connected to or listened on: `tcp://host:port`,
 * `tls://host:port`, `unix:/path` and `spectcl://host?rest=…&mirror=…&user=…`. Text from options,
 * environment and other programs enters here and is refused with a right example beside it.
 */
import { isIPv4, isIPv6 } from 'node:net';

import { MirrorflowError } from './errors.js';
import { LIMITS } from './limits.js';

interface TcpAddress {
  readonly scheme: 'tcp';
  /** Host name, IPv4 or IPv6 address; IPv6 without its brackets. */
  readonly host: string;
  /** 1 to 65535; 0, "any free port", only where the address is listened on. */
  readonly port: number;
}

interface TlsAddress {
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
  /**
   * Port of SpecTcl's REST server, or the service name it is registered under at the port manager.
   */
  readonly rest: number | string;
  /** Port of SpecTcl's mirror server, or its service name. */
  readonly mirror: number | string;
  /** Whose SpecTcl: the user the services are registered for. */
  readonly user?: string;
}

export type Address = TcpAddress | TlsAddress | UnixAddress | SpectclAddress;
export type AddressScheme = Address['scheme'];
export type AddressOf<S extends AddressScheme> = Extract<Address, { readonly scheme: S }>;

export interface AddressOptions<S extends AddressScheme> {
  /** Schemes that make sense here. Default: all. */
  readonly schemes?: readonly S[];
  /** The address is to be listened on, so port 0 is allowed. */
  readonly listening?: boolean;
}

const EXAMPLES: Record<AddressScheme, string> = {
  tcp: 'tcp://localhost:4100 or tcp://[::1]:4100',
  tls: 'tls://daq.example.org:4100',
  unix: 'unix:/run/mirrorflow/host.sock',
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
// oxlint-disable-next-line no-control-regex -- control characters are exactly what a socket path must not hold
const CONTROL_CHARACTER = /[\0-\x1f\x7f]/;

/**
 * Reads one address. Throws BAD_ADDRESS that says what was wrong and shows a right example.
 * The result formats back to an equal address with `formatAddress`.
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
    throw badAddress(text, `an address is a text, this is ${typeof text}`, allowed);
  if (text.length > ADDRESS_CHARACTERS_MAX) {
    throw badAddress(text, `it has ${text.length} characters, more than ${ADDRESS_CHARACTERS_MAX}`, allowed);
  }
  const colon = text.indexOf(':');
  const scheme = allowed.find((name) => name === text.slice(0, Math.max(colon, 0)));
  if (scheme === undefined) {
    throw badAddress(text, `it begins with none of ${allowed.map((name) => `${name}:`).join(', ')}`, allowed);
  }
  const rest = text.slice(colon + 1);
  const refuse = (reason: string): MirrorflowError => badAddress(text, reason, [scheme]);
  if (scheme === 'unix') return { scheme, path: checkSocketPath(rest, refuse) };
  if (!rest.startsWith('//')) throw refuse(`"//" is missing behind "${scheme}:"`);
  const body = rest.slice(2);
  return scheme === 'spectcl' ? parseSpectcl(body, refuse) : parseHostPort(scheme, body, listening, refuse);
}

/** The address as text; `parseAddress` reads it back. */
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
    throw refuse('ports are given as ?rest= and ?mirror=');
  }
  const given = mark < 0 ? new Map<string, string>() : parseQuery(body.slice(mark + 1), refuse);
  const address = {
    scheme: 'spectcl',
    host: checkHost(hostText, refuse),
    rest: checkService('rest', given.get('rest') ?? DEFAULT_REST_SERVICE, refuse),
    mirror: checkService('mirror', given.get('mirror') ?? DEFAULT_MIRROR_SERVICE, refuse),
  } as const;
  const user = given.get('user');
  if (user === undefined) return address;
  if (!USER_NAME.test(user)) throw refuse('user= is not a user name');
  return { ...address, user };
}

function parseQuery(text: string, refuse: Refuse): Map<string, string> {
  const given = new Map<string, string>();
  for (const part of text.split('&')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(equals, 0));
    if (key !== 'rest' && key !== 'mirror' && key !== 'user') {
      throw refuse(`${JSON.stringify(part)} is none of rest=, mirror=, user=`);
    }
    if (given.has(key)) throw refuse(`${key}= is given twice`);
    try {
      given.set(key, decodeURIComponent(part.slice(equals + 1)));
    } catch {
      throw refuse(`${key}= holds a broken % sequence`);
    }
  }
  return given;
}

function checkHost(text: string, refuse: Refuse): string {
  if (text.startsWith('[')) {
    const inner = text.slice(1, -1);
    if (!text.endsWith(']') || !isIPv6(inner)) throw refuse(`${text} is not an IPv6 address in brackets`);
    return inner;
  }
  if (isIPv6(text)) throw refuse('an IPv6 address stands in brackets');
  if (text === '') throw refuse('the host is missing');
  const looksNumeric = /^[\d.]+$/.test(text);
  if (text.length > HOST_CHARACTERS_MAX || !(looksNumeric ? isIPv4(text) : HOST_NAME.test(text))) {
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
    throw refuse(`${key}=${JSON.stringify(text)} is neither a port nor the name of a service`);
  }
  return text;
}

function checkSocketPath(path: string, refuse: Refuse): string {
  if (!path.startsWith('/')) throw refuse('the path of a socket is absolute');
  if (CONTROL_CHARACTER.test(path)) throw refuse('the path holds a control character');
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
    `${shown} is not an address here: ${reason}; right is ${examples}`,
    {
      reason,
    },
  );
}
