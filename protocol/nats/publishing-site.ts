/**
 * A site whose flows are received here: how its server is reached, as the host server of a runtime
 * directory is configured, and what it publishes. Called by duplicators and app servers before each
 * connection, so that a changed configuration is used. Reads the options that the host server left.
 */
import { MirrorflowError } from '../base/errors.js';
import { formatNatsAddress } from './address.js';
import { connectNats, type NatsAccess } from './connection.js';
import { flowChannels } from './flow-channels.js';
import { decodeDescription, type FlowDescription } from './flow-description.js';
import { natsAccess, readNatsOptions } from './options.js';
import { ParcelBits, decodeParcel, type Parcel } from './parcel.js';
import { readSeals, type SiteSeals } from './signature.js';
import type { SiteAddress } from './site-address.js';
import { apiPrefix, asBuffer, lastStored } from './stream-place.js';
import { NatsSubjects } from './subjects.js';

export interface PublishingSite {
  readonly access: NatsAccess;
  /** The site that publishes the flow. */
  readonly from: string;
  /** JetStream domain with the streams of all sites; undefined: that of the connected server. */
  readonly domain: string | undefined;
  readonly seals: SiteSeals;
}

/** A description as it was published. */
export interface Described {
  readonly parcel: Parcel;
  readonly description: FlowDescription;
}

/** Throws BAD_OPTION where this host has no access to the server. */
export function readPublishingSite({ server, site }: SiteAddress, directory: string): PublishingSite {
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

/** Undefined for a message that is no description of the site. */
export function describedIn(
  { seals, from }: Pick<PublishingSite, 'seals' | 'from'>,
  subject: string,
  payload: Buffer,
): Described | undefined {
  const bytes = seals.open(from, subject, payload);
  const parcel = bytes === undefined ? 'not of the site' : decodeParcel(asBuffer(bytes));
  if (typeof parcel === 'string' || (parcel.bits & ParcelBits.DESCRIPTION) === 0) return undefined;
  const description = decodeDescription(parcel.content);
  return typeof description === 'string' ? undefined : { parcel, description };
}

/**
 * The newest description of a flow; undefined when the site publishes no such flow. Rejects with
 * SOURCE_UNREACHABLE or SOURCE_REFUSED.
 */
export async function lastDescription(
  site: PublishingSite,
  app: string,
  flow: string,
): Promise<FlowDescription | undefined> {
  const subjects = new NatsSubjects(site.access.address.prefix, site.from);
  const connection = await connectNats(site.access, `mirrorflow ${site.access.site} ${app}`);
  try {
    const place = { connection, apiPrefix: apiPrefix(site.domain), stream: subjects.stream };
    const { description: subject } = flowChannels(subjects, app, flow);
    // Without a stream the site has published nothing.
    const stored = await lastStored(place, subject).catch(() => undefined);
    return stored === undefined ? undefined : describedIn(site, subject, stored.payload)?.description;
  } finally {
    await connection.close();
  }
}
