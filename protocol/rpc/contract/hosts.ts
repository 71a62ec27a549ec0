/**
 * Schemas of the calls between hosts: how host servers introduce themselves, which calls they relay
 * for their app servers, and what app servers of one application on several hosts report about a
 * flow. Part of the contract; pure.
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
import { applicationInfo } from './shapes.js';
import { publishedFlow } from './sites.js';
import { LIMITS } from '../../base/limits.js';

/**
 * The methods that app servers of the same application on other hosts may call. The relaying host
 * server prepends the name of the calling host as the first parameter.
 */
export const RELAYED_METHODS = [
  'remote.inquire',
  'remote.claim',
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
    doc: '32 hexadecimal digits, different after every start of the host server',
  }),
  version: string({ maxCharacters: 64, doc: 'the version of the package' }),
  running: arrayOf(name('application'), { maxCount: 1024 }),
});

export const hostOnNetwork = struct({
  host: optional(name('host')),
  site: optional(name('host')),
  own: boolean(),
  connected: boolean(),
  address: optional(string({ maxCharacters: 1024, doc: 'the address under which it is reached' })),
  version: optional(string({ maxCharacters: 64, doc: 'the version of the package' })),
  since: optional(date()),
  cause: optional(
    string({
      maxCharacters: LIMITS.causeCharacters,
      doc: 'the reason why it is not connected or did not answer',
    }),
  ),
  code: optional(string({ maxCharacters: 40, doc: 'the name of the error code of the cause' })),
  applications: arrayOf(applicationInfo),
  flows: optional(arrayOf(publishedFlow)),
});

/**
 * Another host on which the same application runs. One with a site is reached over NATS, by calls
 * only.
 */
export const hostOfApplication = struct({
  host: name('host'),
  site: optional(name('host')),
  address: string({ maxCharacters: 253, doc: 'the name or address under which this host reaches it' }),
});

/**
 * The state of a flow on the called host: `source`: a SpecTcl there fills it; `provider`: a client
 * provides it or will do so; `idle`: its ring exists and no client provides it; `remote`: it comes
 * from a third host; `none`: there is no such flow.
 */
export const REMOTE_FLOW_STATES = ['source', 'provider', 'idle', 'remote', 'none'] as const;

export const remoteFlowState = struct({
  standing: oneOf(REMOTE_FLOW_STATES),
  type: optional(string({ maxCharacters: 64, doc: 'the flow type' })),
  client: optional(name('client')),
  pid: optional(int({ min: 0, doc: 'process id of that client' })),
  source: optional(string({ maxCharacters: 1024, doc: 'the address of the SpecTcl that fills it' })),
});

export const remoteServeResult = struct({
  address: string({
    maxCharacters: 1024,
    doc: 'the address on which the duplicator listens, tcp://host:port or tls://host:port',
  }),
  epoch: int({ min: 0, doc: 'epoch of the flow' }),
  type: string({ maxCharacters: 64, doc: 'the flow type' }),
});

export const relayedCall = struct({
  method: oneOf(RELAYED_METHODS),
  params: arrayOf(any(), { maxCount: 8 }),
});

export type HostIntroduction = TypeOf<typeof hostIntroduction>;
/** Another host, with the state of the connection to it. */
export type HostOnNetwork = TypeOf<typeof hostOnNetwork>;
export type HostOfApplication = TypeOf<typeof hostOfApplication>;
export type RemoteFlowState = TypeOf<typeof remoteFlowState>;
export type RemoteServeResult = TypeOf<typeof remoteServeResult>;
export type RelayedMethod = (typeof RELAYED_METHODS)[number];
export type RelayedCall = TypeOf<typeof relayedCall>;
