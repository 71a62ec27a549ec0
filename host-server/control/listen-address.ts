/**
 * Where the host server listens. Whether it may listen there is decided when everything about
 * security is known.
 */
import { formatAddress, parseAddress, type AddressOf } from '../../protocol/base/address.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkListening, isLoopback } from '../../protocol/rpc/security/listening.js';
import type { Security } from '../../protocol/rpc/security/options.js';

export type ListenAddress = AddressOf<'tcp' | 'tls'>;

export const DEFAULT_PORT = 7390;

/** Throws BAD_ADDRESS for what is no address of TCP or TLS. */
export function parseListen(text: unknown): ListenAddress {
  return parseAddress(text, { schemes: ['tcp', 'tls'], listening: true });
}

/**
 * Throws BAD_OPTION for listening beyond this machine without a secret, on `tls:` without a
 * certificate, and beyond this machine without TLS although there is a certificate.
 */
export function checkListen(address: ListenAddress, security: Security): void {
  checkListening(address, security);
  if (address.scheme === 'tls' || security.identity === undefined || isLoopback(address.host)) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${formatAddress(address)}: with a certificate this host listens beyond this machine with TLS only: give tls://${address.host}:${address.port}`,
  );
}
