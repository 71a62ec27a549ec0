/**
 * The rule for addresses on which servers listen: loopback addresses of this machine always, other
 * addresses only with a shared secret that callers must prove. Checked by host servers, app
 * servers, duplicators and the web viewer before they listen. Pure.
 */
import { isIPv4 } from 'node:net';
import { formatAddress, type AddressOf } from '../../base/address.js';
import { MirrorflowError } from '../../base/errors.js';
import { needsTls } from './connecting.js';
import type { Security } from './options.js';

export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  return host === 'localhost' || host === '::1';
}

/**
 * Throws BAD_OPTION for a non-loopback address without a secret, for TLS without a certificate, and
 * for a non-loopback address without TLS on a host that has certificates.
 */
export function checkListening(
  address: AddressOf<'tcp' | 'tls'>,
  security: Pick<Security, 'secret' | 'identity' | 'trust'>,
): void {
  const text = formatAddress(address);
  if (address.scheme === 'tls' && security.identity === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `${text}: TLS requires a certificate: give --tls-cert and --tls-key`,
    );
  }
  if (isLoopback(address.host)) return;
  if (address.scheme === 'tcp' && needsTls(security)) {
    const missing = security.identity === undefined ? ', and --tls-cert with --tls-key' : '';
    throw new MirrorflowError(
      'BAD_OPTION',
      `${text}: with certificates this host listens beyond this machine with TLS only: give tls://${address.host}:${address.port}${missing}`,
    );
  }
  if (security.secret !== undefined) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${text}: listening for other machines requires a shared secret: give --secret-file, or listen on 127.0.0.1`,
    { host: address.host, missing: 'secret' },
  );
}
