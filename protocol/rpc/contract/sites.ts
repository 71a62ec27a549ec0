/**
 * Schemas of the calls between a host server and its NATS process: what hosts of other sites
 * publish about themselves, and the calls that sites make to each other. Part of the contract;
 * pure.
 */
import {
  any,
  arrayOf,
  boolean,
  date,
  int,
  name,
  oneOf,
  optional,
  string,
  struct,
  type TypeOf,
} from '../xml-rpc/schema.js';
import { processIdentity } from './process-identity.js';
import { APPLICATION_STATES, FLOW_STATES } from './shapes.js';

/** Hosts of other sites that a host server lists. */
export const SITE_HOSTS_MAX = 1_024;
/** Applications, and flows, that a host publishes about itself. */
const LISTED_MAX = 1_024;

/** The report of a NATS process that runs; repeated to a host server that was restarted. */
export const natsReady = struct({
  launch: optional(string({ maxCharacters: 64, doc: 'the launch token from its start' })),
  version: int({ min: 0, doc: 'protocol version' }),
  identity: processIdentity,
  options: string({ doc: 'the options that it has read, JSON' }),
});

const publishedApplication = struct({
  name: name('application'),
  state: oneOf(APPLICATION_STATES),
  startedAt: optional(date()),
});

export const publishedFlow = struct({
  app: name('application'),
  flow: name('flow'),
  type: string({ maxCharacters: 64, doc: 'the flow type' }),
  state: oneOf(FLOW_STATES),
});

/** What a host publishes about itself. */
export const siteHost = struct({
  site: name('host'),
  host: name('host'),
  version: string({ maxCharacters: 64, doc: 'the version of the package' }),
  since: date(),
  applications: arrayOf(publishedApplication, { maxCount: LISTED_MAX }),
  flows: arrayOf(publishedFlow, { maxCount: LISTED_MAX }),
});

export const siteReport = struct({
  connected: boolean(),
  hosts: arrayOf(siteHost, { maxCount: SITE_HOSTS_MAX }),
});

/**
 * What a site may ask of another: messages, flow control and figures of a published application;
 * and the start of a configured application or registered program, where the other site allows it.
 */
export const SITE_METHODS = [
  'remote.send',
  'remote.tellProvider',
  'remote.marks',
  'remote.network',
  'remote.statistics',
  'remote.run',
  'host.open',
] as const;

/** The methods of these that start something. */
export const STARTING_METHODS: readonly SiteMethod[] = ['remote.run', 'host.open'];

export const siteCall = struct({
  application: name('application'),
  method: oneOf(SITE_METHODS),
  params: arrayOf(any(), { maxCount: 8 }),
});

export type NatsReady = TypeOf<typeof natsReady>;
export type SiteHost = TypeOf<typeof siteHost>;
export type SiteReport = TypeOf<typeof siteReport>;
export type SiteMethod = (typeof SITE_METHODS)[number];
export type SiteCall = TypeOf<typeof siteCall>;

/** The name under which a host of another site is listed and addressed: `daq1.gsi`. */
export function farName({ site, host }: { readonly site: string; readonly host: string }): string {
  return site === host ? site : `${host}.${site}`;
}
