/**
 * Checks addresses of other host servers, `tcp://host:port` or `tls://host:port`. Used by options,
 * the configuration file and the links to other hosts (`peers.ts`). Pure: no I/O.
 */
import { parseAddress, type AddressOf } from '../../protocol/base/address.js';

export type PeerAddress = AddressOf<'tcp' | 'tls'>;

/** Addresses that one host server keeps connections with. */
export const PEER_ADDRESSES_MAX = 64;

/** Throws BAD_ADDRESS. */
export function parsePeer(text: unknown): PeerAddress {
  return parseAddress(text, { schemes: ['tcp', 'tls'] });
}
