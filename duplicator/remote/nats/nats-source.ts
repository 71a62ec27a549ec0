/**
 * Where a flow comes from over NATS, and how the server is reached: as the host server of this
 * runtime directory is configured. Called by UpstreamConnector before each link, so that a changed
 * configuration is used. Reads the options that the host server left.
 */
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { formatNatsAddress } from '../../../protocol/nats/address.js';
import type { NatsAccess } from '../../../protocol/nats/connection.js';
import { natsAccess, readNatsOptions } from '../../../protocol/nats/options.js';
import { readSeals, type SiteSeals } from '../../../protocol/nats/signature.js';
import type { PublishingSite } from '../../options.js';

export interface NatsSource {
  readonly access: NatsAccess;
  /** The site that publishes the flow. */
  readonly from: string;
  /** JetStream domain of the site's stream; undefined: that of the connected server. */
  readonly domain: string | undefined;
  readonly seals: SiteSeals;
}

/** Throws BAD_OPTION where this host has no access to the server. */
export function readNatsSource({ server, site }: PublishingSite, directory: string): NatsSource {
  const options = readNatsOptions(directory);
  const address = formatNatsAddress(server);
  if (options?.address !== address) {
    const found = options === undefined ? 'it uses no NATS' : `it uses ${options.address}`;
    throw new MirrorflowError(
      'BAD_OPTION',
      `the host server of ${directory} is not configured for ${address}: ${found}; give it "nats"`,
      { address },
    );
  }
  return { access: natsAccess(options), from: site, domain: options.domain, seals: readSeals(options) };
}
