/**
 * Addresses of other host servers, `tcp://host:port` or `tls://host:port`, as options, the
 * configuration file and discovery give them. Pure: no I/O.
 */
import { parseAddress, type AddressOf } from '../../protocol/base/address.js';

export type PeerAddress = AddressOf<'tcp' | 'tls'>;

/** Addresses that one host server keeps connections with. */
export const PEER_ADDRESSES_MAX = 64;

/** Throws BAD_ADDRESS. */
export function parsePeer(text: unknown): PeerAddress {
  return parseAddress(text, { schemes: ['tcp', 'tls'] });
}
