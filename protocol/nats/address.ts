/**
 * Addresses of NATS servers, `nats://host:4222/PREFIX`. PREFIX is the first part of every subject
 * and the name of the bucket of a collaboration, so that several share a server. Called by the
 * options of host server and NATS process, and by duplicators that receive over NATS. Pure: no I/O.
 */
import { addressPattern } from '../base/address-pattern.js';
import { formatAddress, parseAddress } from '../base/address.js';
import { isMirrorflowError, MirrorflowError } from '../base/errors.js';

export interface NatsAddress {
  /** Host name, IPv4 or IPv6 address; IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
  /** 1 to 32 letters, digits, `_` and `-`, beginning with a letter or digit. */
  readonly prefix: string;
}

const EXAMPLE = 'nats://hub.example.org:4222/e23001';
const SCHEME = 'nats://';
const PREFIX = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;

/** Pattern of the texts that `parseNatsAddress` accepts, for editors. */
export const NATS_ADDRESS_PATTERN = addressPattern(['tcp'])
  .replace('tcp://', SCHEME)
  .replace(/\$$/, '/[A-Za-z0-9][A-Za-z0-9_-]{0,31}$');

/** Whether a text is meant as an address of a NATS server; it may still be wrong. */
export function isNatsAddress(text: string): boolean {
  return text.startsWith('nats:');
}

/** Throws BAD_ADDRESS with the reason and a correct example. */
export function parseNatsAddress(text: unknown): NatsAddress {
  if (typeof text !== 'string')
    throw badAddress(typeof text, `an address must be a string, not ${typeof text}`);
  if (!text.startsWith(SCHEME)) throw badAddress(text, `it must begin with ${SCHEME}`);
  const [place = '', prefix, ...rest] = text.slice(SCHEME.length).split('/');
  const { host, port } = parsePlace(text, place);
  if (prefix === undefined || rest.length > 0 || !PREFIX.test(prefix)) {
    throw badAddress(
      text,
      'after the port it must have "/" and a prefix of 1 to 32 letters, digits, "_" or "-", beginning with a letter or digit',
    );
  }
  return { host, port, prefix };
}

/** The address as text that `parseNatsAddress` parses to an equal address. */
export function formatNatsAddress({ prefix, ...place }: NatsAddress): string {
  return `${SCHEME}${natsServer(place)}/${prefix}`;
}

/** `host:port`, as NATS clients take it. */
export function natsServer({ host, port }: Pick<NatsAddress, 'host' | 'port'>): string {
  return formatAddress({ scheme: 'tcp', host, port }).slice('tcp://'.length);
}

function parsePlace(text: string, place: string): { readonly host: string; readonly port: number } {
  try {
    return parseAddress(`tcp://${place}`, { schemes: ['tcp'] });
  } catch (thrown) {
    const reason = isMirrorflowError(thrown) ? String(thrown.facts['reason']) : 'it cannot be read';
    throw badAddress(text, reason);
  }
}

function badAddress(text: string, reason: string): MirrorflowError {
  return new MirrorflowError(
    'BAD_ADDRESS',
    `${JSON.stringify(text.slice(0, 120))} is not a valid address of a NATS server: ${reason}; use, for example, ${EXAMPLE}`,
    { reason },
  );
}
