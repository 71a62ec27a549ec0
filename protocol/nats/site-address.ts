/**
 * Addresses of sites, `nats://host:4222/PREFIX/SITE`: what stands in the place of a host where
 * flows come from another site. Called by the options of applications and duplicators. Pure.
 */
import { MirrorflowError } from '../base/errors.js';
import { formatNatsAddress, isNatsAddress, parseNatsAddress, type NatsAddress } from './address.js';
import { checkSite } from './subjects.js';

export interface SiteAddress {
  readonly server: NatsAddress;
  /** The site that publishes. */
  readonly site: string;
}

export const isSiteAddress = isNatsAddress;

/** Throws BAD_ADDRESS or BAD_NAME. */
export function parseSiteAddress(text: string): SiteAddress {
  const slash = text.lastIndexOf('/');
  // As many as nats://host:4222/PREFIX/SITE has.
  if (text.split('/').length !== 5) {
    throw new MirrorflowError(
      'BAD_ADDRESS',
      `${JSON.stringify(text.slice(0, 120))} is not the address of a site: use, for example, nats://hub.example.org:4222/e23001/lab`,
    );
  }
  return { server: parseNatsAddress(text.slice(0, slash)), site: checkSite(text.slice(slash + 1)) };
}

/** The address as text that `parseSiteAddress` parses to an equal address. */
export function formatSiteAddress({ server, site }: SiteAddress): string {
  return `${formatNatsAddress(server)}/${site}`;
}
