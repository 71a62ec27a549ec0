/**
 * Makes a duplicator listen for the duplicators of other hosts, on a port of the configured range
 * so that a firewall can let it through. Called by `duplicators.ts`; calls the duplicator over
 * XML-RPC and touches nothing else.
 */
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { ServeResult } from '../../protocol/rpc/contract/shapes.js';
import { isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import type { CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { DataListen } from '../options.js';

/**
 * Resolves with the address and the epoch. Rejects with ADDRESS_IN_USE when every port of the range
 * is taken, and with the reason why the duplicator cannot listen.
 */
export async function serveFlow(
  call: CallOf<MirrorflowContract>,
  { scheme, host, ports }: DataListen,
): Promise<ServeResult> {
  const listen = (port: number): Promise<ServeResult> => {
    const address: AddressOf<'tcp' | 'tls'> = { scheme, host, port };
    return call('duplicator.serve', [{ listen: formatAddress(address) }]);
  };
  if (ports === undefined) return listen(0);
  for (let port = ports.low; port <= ports.high; port += 1) {
    try {
      return await listen(port);
    } catch (error) {
      if (!isMirrorflowError(error, 'ADDRESS_IN_USE')) throw error;
    }
  }
  throw new MirrorflowError(
    'ADDRESS_IN_USE',
    `all ports from ${ports.low} to ${ports.high} are taken; give a wider range of --data-ports`,
    { low: ports.low, high: ports.high },
  );
}
