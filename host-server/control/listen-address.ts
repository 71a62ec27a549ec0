/**
 * The address that a host server listens on, `tcp://host:port` or `tls://host:port`. Used by
 * `options.ts`, which checks it when secret and certificate are known, and by the reader of the
 * configuration file. Pure: no I/O.
 */
import { parseAddress, type AddressOf } from '../../protocol/base/address.js';

export type ListenAddress = AddressOf<'tcp' | 'tls'>;

export const DEFAULT_PORT = 7390;

/** Throws BAD_ADDRESS for any other scheme. */
export function parseListen(text: unknown): ListenAddress {
  return parseAddress(text, { schemes: ['tcp', 'tls'], listening: true });
}
