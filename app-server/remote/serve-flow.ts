/**
 * Makes a duplicator listen for those of other hosts, on a port that the firewall lets through
 * where there is a range.
 */
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { Served } from '../../protocol/rpc/contract/shapes.js';
import { isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import type { PortRange } from '../../protocol/base/port-range.js';
import type { CallOf } from '../../protocol/rpc/xml-rpc/contract.js';

/** Where data for other hosts are served. */
export interface DataListen {
  readonly scheme: 'tcp' | 'tls';
  readonly host: string;
  /** Undefined: any free port. */
  readonly ports: PortRange | undefined;
}

/**
 * Rejects with ADDRESS_IN_USE when every port of the range is taken, and with why the duplicator
 * cannot listen.
 */
export async function serveFlow(
  call: CallOf<MirrorflowContract>,
  { scheme, host, ports }: DataListen,
): Promise<Served> {
  const listen = (port: number): Promise<Served> => {
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
