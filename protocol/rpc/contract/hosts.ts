/** What hosts say of themselves to each other, and what they carry for their app servers. */
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
import { applicationInfo } from './shapes.js';

/**
 * Methods of app servers that app servers of the same application on other hosts may call, with the
 * calling host put in front.
 */
export const RELAYED_METHODS = [
  'remote.inquire',
  'remote.serve',
  'remote.provided',
  'remote.send',
  'remote.tellProvider',
  'remote.marks',
  'remote.request',
  'remote.run',
  'remote.network',
  'remote.statistics',
] as const;

export const hostIntroduction = struct({
  name: name('host'),
  instance: string({
    pattern: /^[0-9a-f]{32}$/,
    doc: '32 hexadecimal digits, others at every start of a host server',
  }),
  version: string({ maxCharacters: 64, doc: 'the version of the package' }),
  running: arrayOf(name('application'), { maxCount: 1024 }),
});

export const hostOnNetwork = struct({
  host: optional(name('host')),
  own: boolean(),
  connected: boolean(),
  address: optional(string({ maxCharacters: 1024, doc: 'where it is reached' })),
  version: optional(string({ maxCharacters: 64, doc: 'the version of the package' })),
  since: optional(date()),
  cause: optional(string({ maxCharacters: 4096, doc: 'why it is not connected, or did not answer' })),
  applications: arrayOf(applicationInfo),
});

/** Another host on which the same application runs. */
export const hostOfApplication = struct({
  host: name('host'),
  address: string({ maxCharacters: 253, doc: 'name or address under which this host reaches it' }),
});

/**
 * What a flow is on the host that is asked: `source` it is filled from a SpecTcl there, `provider`
 * a client provides it or is about to, `idle` its ring is there and nobody provides it, `remote` it
 * comes from yet another host, `none` it is not known.
 */
export const FLOW_STANDINGS = ['source', 'provider', 'idle', 'remote', 'none'] as const;

export const flowElsewhere = struct({
  standing: oneOf(FLOW_STANDINGS),
  type: optional(string({ maxCharacters: 64, doc: 'the flow type' })),
  client: optional(name('client')),
  pid: optional(int({ min: 0, doc: 'process id of that client' })),
  source: optional(string({ maxCharacters: 1024, doc: 'the address of the SpecTcl that it comes from' })),
});

export const servedElsewhere = struct({
  address: string({
    maxCharacters: 1024,
    doc: 'where the duplicator listens, tcp://host:port or tls://host:port',
  }),
  epoch: int({ min: 0, doc: 'epoch of the flow' }),
  type: string({ maxCharacters: 64, doc: 'the flow type' }),
});

export const relayedCall = struct({
  method: oneOf(RELAYED_METHODS),
  params: arrayOf(any(), { maxCount: 8 }),
});

export type HostIntroduction = TypeOf<typeof hostIntroduction>;
export type HostOnNetwork = TypeOf<typeof hostOnNetwork>;
export type HostOfApplication = TypeOf<typeof hostOfApplication>;
export type FlowElsewhere = TypeOf<typeof flowElsewhere>;
export type ServedElsewhere = TypeOf<typeof servedElsewhere>;
export type RelayedMethod = (typeof RELAYED_METHODS)[number];
export type RelayedCall = TypeOf<typeof relayedCall>;
