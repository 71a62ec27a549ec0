/** Where the host server may listen: on this machine's loopback only, since nothing else proves who calls. */
import { formatAddress, parseAddress, type AddressOf } from '../protocol/address.js';
import { MirrorflowError } from '../protocol/errors.js';
import { isLoopback } from '../protocol/security/listening.js';

export type ListenAddress = AddressOf<'tcp'>;

export const DEFAULT_PORT = 7390;

/** Throws BAD_ADDRESS for no TCP address, BAD_OPTION for one that is not of this machine alone. */
export function parseListen(text: unknown): ListenAddress {
  const address = parseAddress(text, { schemes: ['tcp'], listening: true });
  if (isLoopback(address.host)) return address;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${formatAddress(address)}: listening beyond this machine needs a shared secret; listen on tcp://127.0.0.1:${address.port}`,
    { host: address.host },
  );
}
