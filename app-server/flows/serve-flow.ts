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
 * Resolves with the address and the epoch. `earlierPort`: where an earlier duplicator of the flow has
 * listened, and receivers connect again by themselves; another one is taken when it is in use. Rejects with ADDRESS_IN_USE when every port of the range
 * is taken, and with the reason why the duplicator cannot listen.
 */
export async function serveFlow(
  call: CallOf<MirrorflowContract>,
  { scheme, host, ports }: DataListen,
  earlierPort?: number,
): Promise<ServeResult> {
  const listen = (port: number): Promise<ServeResult> => {
    const address: AddressOf<'tcp' | 'tls'> = { scheme, host, port };
    return call('duplicator.serve', [{ listen: formatAddress(address) }]);
  };
  const tried = earlierPort === undefined ? undefined : await unlessInUse(listen(earlierPort));
  if (tried !== undefined) return tried;
  if (ports === undefined) return listen(0);
  for (let port = ports.low; port <= ports.high; port += 1) {
    const served = await unlessInUse(listen(port));
    if (served !== undefined) return served;
  }
  throw new MirrorflowError(
    'ADDRESS_IN_USE',
    `all ports from ${ports.low} to ${ports.high} are taken; give a wider range of --data-ports`,
    { low: ports.low, high: ports.high },
  );
}

async function unlessInUse(listening: Promise<ServeResult>): Promise<ServeResult | undefined> {
  try {
    return await listening;
  } catch (error) {
    if (isMirrorflowError(error, 'ADDRESS_IN_USE')) return undefined;
    throw error;
  }
}
