/**
 * The rule for connections to other hosts: a host with a certificate, or with certificates of
 * others that it trusts, uses TLS only, whatever an address or an announcement asks for. Checked
 * before every connection to a host server or duplicator, and where hosts are discovered. Pure.
 */
import { formatAddress, type AddressOf } from '../../base/address.js';
import { MirrorflowError } from '../../base/errors.js';
import type { Security } from './options.js';

/** Whether this host never uses plain TCP: it has `--tls-cert` or `--tls-ca`. */
export function needsTls({ identity, trust }: Pick<Security, 'identity' | 'trust'>): boolean {
  return identity !== undefined || trust.ca !== undefined;
}

/** Throws REFUSED for plain TCP on a host that uses TLS only. */
export function checkConnecting(
  address: AddressOf<'tcp' | 'tls'>,
  security: Pick<Security, 'identity' | 'trust'>,
): void {
  if (address.scheme === 'tls' || !needsTls(security)) return;
  const text = formatAddress(address);
  throw new MirrorflowError(
    'REFUSED',
    `${text} is plain TCP: this host has certificates and connects with TLS only; let the other host listen on tls:// and name it as tls://${address.host}:${address.port}`,
    { address: text },
  );
}
