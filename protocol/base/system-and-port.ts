/**
 * An address as the two arguments that a duplicator is started with: the system to connect to and
 * the port there. For a SpecTcl the port is that of its mirror service, or the name of the
 * service. Used by the command line of duplicators (duplicator-options.ts). Pure.
 */
import { formatAddress, parseAddress, type AddressOf } from './address.js';

type SourceAddress = AddressOf<'tcp' | 'tls' | 'spectcl'>;
const SCHEMES = ['tcp', 'tls', 'spectcl'] as const;

/** `tcp://daq:4100` becomes `tcp://daq` and `4100`. Throws BAD_ADDRESS. */
export function splitAddress(text: string): { readonly system: string; readonly port: string } {
  const address = parseAddress(text, { schemes: SCHEMES });
  const plain = formatAddress(address);
  if (address.scheme === 'spectcl') {
    const port = String(address.mirror);
    return { system: plain.replace(`&mirror=${port}`, ''), port };
  }
  const colon = plain.lastIndexOf(':');
  return { system: plain.slice(0, colon), port: plain.slice(colon + 1) };
}

/**
 * The address of `system`, a host name (for TCP) or an address without its port, at `port`; with an
 * undefined port `system` is a whole address. Throws BAD_ADDRESS.
 */
export function joinAddress(system: string, port: string | undefined): SourceAddress {
  const named = system.includes(':/') ? system : `tcp://${system}`;
  return parseAddress(withPort(named, port), { schemes: SCHEMES });
}

function withPort(named: string, port: string | undefined): string {
  if (port === undefined) return named;
  if (!named.startsWith('spectcl:')) return `${named}:${port}`;
  return `${named}${named.includes('?') ? '&' : '?'}mirror=${port}`;
}
