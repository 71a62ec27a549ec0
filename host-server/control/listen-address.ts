/**
 * The address that a host server listens on, `tcp://host:port` or `tls://host:port`, and what
 * security it demands. Used by `options.ts` and by the reader of the configuration file. Pure: no
 * I/O. An address is parsed first and checked later, when secret and certificate are known.
 */
import { formatAddress, parseAddress, type AddressOf } from '../../protocol/base/address.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkListening, isLoopback } from '../../protocol/rpc/security/listening.js';
import type { Security } from '../../protocol/rpc/security/options.js';

export type ListenAddress = AddressOf<'tcp' | 'tls'>;

export const DEFAULT_PORT = 7390;

/** Throws BAD_ADDRESS for any other scheme. */
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
