/** Addresses of other host servers. */
import { parseAddress, type AddressOf } from '../../protocol/base/address.js';

export type PeerAddress = AddressOf<'tcp' | 'tls'>;

/** Addresses that one host server keeps connections with. */
export const PEER_ADDRESSES_MAX = 64;

/** Throws BAD_ADDRESS. */
export function parsePeer(text: unknown): PeerAddress {
  return parseAddress(text, { schemes: ['tcp', 'tls'] });
}
