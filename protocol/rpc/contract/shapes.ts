/**
 * Schemas and types of the structs that several methods of the contract share: applications, flows,
 * clients, gateways, and the reports of child processes. Part of the contract; pure.
 */
import { addressPattern } from '../../base/address-pattern.js';
import { applicationReaders } from './access-options.js';
import { LIMITS } from '../../base/limits.js';
import {
  NAME_JSON,
  arrayOf,
  boolean,
  date,
  double,
  int,
  mapOf,
  name,
  oneOf,
  optional,
  string,
  struct,
  type Schema,
  type TypeOf,
} from '../xml-rpc/schema.js';
import { FLOW_SETTINGS, LINK_SIGNALS, durationMember } from './option-members.js';
import { processIdentity } from './process-identity.js';
import { programs } from './programs.js';
import { recordOptions } from './recorder.js';

const text = (maxCharacters: number, doc: string) => string({ maxCharacters, doc });
const path = (doc: string) => string({ maxCharacters: 4096, doc });
export const address = string({
  maxCharacters: 1024,
  jsonPattern: addressPattern(['tcp', 'tls', 'unix', 'spectcl']),
  doc: 'an address, tcp://host:port, tls://host:port, unix:/path or spectcl://host?rest=…&mirror=…',
});
const hostName = name('host');
const siteText = string({
  pattern: /^nats:\/\/[\x21-\x7e]{1,1000}$/,
  doc: 'a site, nats://host:port/PREFIX/SITE',
});
/** Where flows come from that are not of this host. */
export const hostOrSite: Schema<string> = {
  type: 'string',
  doc: `${hostName.doc}, or ${siteText.doc}`,
  json: {
    type: 'string',
    description: `${hostName.doc}, or ${siteText.doc}`,
    pattern: String.raw`^(?!.{65})(?:${NAME_JSON.pattern})|^nats:\/\/[\x21-\x7e]{1,1000}$`,
  },
  check: (value, place) =>
    (typeof value === 'string' && value.startsWith('nats:') ? siteText : hostName).check(value, place),
};
export const session = string({ maxCharacters: 64, doc: 'the session token from client.present' });
const errorCode = string({ maxCharacters: 40, doc: 'the name of an error code' });
const count = (doc: string) => int({ min: 0, doc });

export const APPLICATION_STATES = ['starting', 'running', 'stopping', 'stopped', 'failed'] as const;
export const FLOW_STATES = ['idle', 'starting', 'running', 'stopping', 'failed'] as const;
export const SOURCE_STATE_NAMES = ['starting', 'live', 'stale', 'ended'] as const;

/** The options of a gateway, which serves an application's data under the protocols of SpecTcl. */
export const gatewayOptions = struct({
  restPort: int({ min: 0, max: 65_535, doc: 'TCP port of the REST service; 0 means any free port' }),
  mirrorPort: int({ min: 0, max: 65_535, doc: 'TCP port of the mirror service; 0 means any free port' }),
  host: optional(
    string({
      maxCharacters: 253,
      doc: 'the host address on which both listen; default: loopback; 0.0.0.0 means all addresses',
    }),
  ),
  names: optional(
    arrayOf(string({ pattern: /^[A-Za-z0-9._-]{1,253}$/, doc: 'a further name of this host' }), {
      maxCount: 64,
    }),
  ),
  tls: optional(
    boolean('whether other machines are served over TLS; default: where the host server has a certificate'),
  ),
  allowChanges: optional(boolean('whether requests that change SpecTcl are forwarded; default false')),
  changesTokenFile: optional(
    path(
      'file with a token of 16 bytes or more, which requests that change SpecTcl must carry as bearer token',
    ),
  ),
  sharedMemory: optional(boolean('whether viewers get shared memory that they attach by key; default false')),
  sharedMemoryKey: optional(
    string({
      pattern: /^[\x21-\x7e]{4}$/,
      doc: 'the memory key, 4 visible ASCII characters; default: XA and 2 digits that are free',
    }),
  ),
  sharedMemoryMode: optional(
    string({ pattern: /^0?[0-7]{3}$/, doc: 'permissions of the shared memory, octal; default: 0600' }),
  ),
  advertise: optional(
    string({
      pattern: /^[A-Za-z_][A-Za-z0-9_.-]{0,40}$/,
      doc: 'NAME: the port manager of this host advertises NAME_REST and NAME_MIRROR',
    }),
  ),
  portManagerPort: optional(int({ min: 1, max: 65_535, doc: 'TCP port of the port manager' })),
});

/** The options of an application besides its name and port. */
export const APPLICATION_SETTINGS = {
  source: optional(address),
  via: optional(hostOrSite),
  gateway: optional(gatewayOptions),
  record: optional(recordOptions),
  allowChanges: optional(boolean()),
  programs: optional(programs),
  withoutHostMs: durationMember(
    'after which the app server ends when its host server has not returned and no client is connected; default 600,000',
  ),
  ...FLOW_SETTINGS,
};

/** The options of an application in host.run and in the configuration file. */
export const applicationOptions = struct({
  name: name('application'),
  ...APPLICATION_SETTINGS,
  port: optional(int({ min: 0, max: 65_535, doc: 'TCP port of the app server; 0 means any free port' })),
});

export const applicationInfo = struct({
  name: name('application'),
  state: oneOf(APPLICATION_STATES),
  source: optional(address),
  via: optional(hostOrSite),
  pid: optional(int({ min: 1, doc: 'process id of the app server' })),
  port: optional(int({ min: 0, max: 65_535, doc: 'TCP port of the app server' })),
  socket: optional(path('path of the app server socket')),
  startedAt: optional(date()),
  restarts: count('number of restarts of the app server'),
  configured: boolean(),
  byHand: boolean(),
  readers: optional(applicationReaders),
  cause: optional(text(LIMITS.causeCharacters, 'the reason of a failure')),
});

/** Readers that hold a flow back, of which a report names so many. */
export const HOLDING_MAX = 16;

export const flowInfo = struct({
  flow: name('flow'),
  type: text(64, 'the flow type'),
  state: oneOf(FLOW_STATES),
  sourceState: optional(oneOf(SOURCE_STATE_NAMES)),
  source: optional(address),
  pid: optional(int({ min: 1, doc: 'process id of the duplicator' })),
  file: optional(path('path of the flow file')),
  image: optional(path('path of the image')),
  bufferSize: optional(count('largest buffer, bytes')),
  buffers: optional(count('buffers of the ring')),
  published: optional(count('buffers published')),
  clients: count('clients that have the flow open'),
  restarts: count('number of restarts of the duplicator'),
  cause: optional(text(LIMITS.causeCharacters, 'the reason of a failure or of stale data')),
  holding: optional(
    arrayOf(text(300, 'a client of this host, or the address of another host'), { maxCount: HOLDING_MAX }),
  ),
});

export const clientInfo = struct({
  name: name('client'),
  program: text(256, 'the program'),
  pid: int({ min: 0, doc: 'process id; 0 if the client did not state it' }),
  connected: boolean(),
  since: date(),
  flows: arrayOf(struct({ flow: name('flow'), direction: oneOf(['input', 'output']) })),
});

export const presentation = struct({
  name: name('client'),
  program: text(256, 'the program, for display'),
  pid: int({ min: 0, doc: 'process id' }),
  version: int({ min: 0, doc: 'protocol version' }),
});

export const openRequest = struct({
  flow: name('flow'),
  direction: oneOf(['input', 'output']),
  type: optional(text(64, 'the flow type the client expects or provides')),
  bufferSize: optional(
    int({ min: 1, max: LIMITS.mappedBytesMax, doc: 'largest buffer, bytes; providers only' }),
  ),
  buffers: optional(
    int({ min: LIMITS.slotCountMin, max: LIMITS.slotCountMax, doc: 'buffers of the ring; providers only' }),
  ),
  properties: optional(text(LIMITS.identityBytes, 'properties of the flow type, JSON; providers only')),
  signal: optional(oneOf(LINK_SIGNALS)),
  link: optional(
    int({
      min: 1,
      doc: 'the number in the HELLO of the client on its signal link: a handle from an earlier app server or a number chosen by the client; default: the handle in the result',
    }),
  ),
  handle: optional(
    int({
      min: 1,
      doc: 'the handle under which this session has the flow open, to get a new duplicator after the previous one has ended',
    }),
  ),
});

export const openedFlow = struct({
  handle: int({ min: 1, doc: 'the handle for flow.close' }),
  flow: name('flow'),
  type: text(64, 'the flow type'),
  file: path('path of the flow file'),
  link: path('path of the signal link'),
  datagrams: optional(
    path('path of the datagram link, of a flow that has one: for clients of the user of its duplicator'),
  ),
  image: optional(path('path of the image')),
});

/** The report of a duplicator that is ready; repeated to an app server that was restarted. */
export const duplicatorReady = struct({
  launch: optional(string({ maxCharacters: 64, doc: 'the launch token from its start' })),
  version: int({ min: 0, doc: 'protocol version' }),
  identity: processIdentity,
  application: name('application'),
  flow: name('flow'),
  type: text(64, 'the flow type'),
  source: optional(address),
  file: path('path of the flow file'),
  link: path('path of the signal link'),
  image: optional(path('path of the image')),
  bufferSize: count('largest buffer, bytes'),
  buffers: count('buffers of the ring'),
  /** The file of the predecessor was damaged, and has been replaced. */
  replacedDamage: optional(boolean()),
});

export const duplicatorReport = struct({
  sourceState: oneOf(SOURCE_STATE_NAMES),
  cause: optional(text(LIMITS.causeCharacters, 'the reason of stale data')),
  published: count('buffers published'),
  clients: count('clients on the signal link'),
  provider: optional(count('number of the provider in its HELLO')),
  /** The last report of a duplicator that ends so that a new one takes its place. */
  replaced: optional(boolean()),
  holding: optional(
    arrayOf(
      struct({
        client: optional(count('a client of this host: its number in its HELLO')),
        peer: optional(text(300, 'the address of a duplicator of another host')),
      }),
      { maxCount: HOLDING_MAX },
    ),
  ),
});

/** Asks a duplicator to listen for duplicators of other hosts. */
export const serveRequest = struct({
  listen: string({
    maxCharacters: 1024,
    doc: 'the address to listen on, tcp://host:port or tls://host:port; port 0 means any free port',
  }),
});

export const serveResult = struct({
  address: text(1024, 'the address on which it listens, with its actual port'),
  epoch: count('epoch of the flow'),
});

/** The report of an app server that is ready; repeated to a host server that was restarted. */
export const appServerReady = struct({
  launch: optional(string({ maxCharacters: 64, doc: 'the launch token from its start' })),
  version: int({ min: 0, doc: 'protocol version' }),
  identity: processIdentity,
  name: name('application'),
  socket: path('path of its socket'),
  port: int({ min: 0, max: 65_535, doc: 'its TCP port' }),
  source: optional(address),
});

/** The report of a gateway that listens; repeated to an app server that was restarted. */
export const gatewayReady = struct({
  launch: optional(string({ maxCharacters: 64, doc: 'the launch token from its start' })),
  version: int({ min: 0, doc: 'protocol version' }),
  identity: processIdentity,
  application: name('application'),
  options: gatewayOptions,
  host: text(253, 'the host address on which it listens'),
  restPort: int({ min: 1, max: 65_535, doc: 'TCP port of its REST service' }),
  mirrorPort: int({ min: 1, max: 65_535, doc: 'TCP port of its mirror service' }),
});

/** The web viewer of a host server; `off`: it is not to be started. */
export const VIEWER_STATES = ['off', 'starting', 'running', 'failed'] as const;
export const GATEWAY_STATES = ['starting', 'running', 'failed', 'stopped'] as const;

export const gatewayInfo = struct({
  state: oneOf(GATEWAY_STATES),
  pid: optional(int({ min: 1, doc: 'process id of the gateway' })),
  host: optional(text(253, 'the host address on which it listens')),
  restPort: optional(int({ min: 1, max: 65_535, doc: 'TCP port of its REST service' })),
  mirrorPort: optional(int({ min: 1, max: 65_535, doc: 'TCP port of its mirror service' })),
  restarts: count('number of its restarts'),
  cause: optional(text(LIMITS.causeCharacters, 'the reason of a failure')),
});

export const startFailure = struct({
  launch: string({ maxCharacters: 64, doc: 'the launch token from the start of the child' }),
  code: errorCode,
  message: text(4096, 'the error message'),
});

export const childAddress = struct({
  launch: string({ maxCharacters: 64, doc: 'the token the child was started with' }),
  pid: int({ min: 1, doc: 'process id of the child' }),
  address: text(512, 'the address that the child serves'),
});

export const statistics = mapOf(double());

/** The options to start an application with. */
export type ApplicationOptions = TypeOf<typeof applicationOptions>;
/** An application with its state, as `host.applications` returns it. */
export type ApplicationInfo = TypeOf<typeof applicationInfo>;
export type ApplicationState = ApplicationInfo['state'];
/** A flow of an application with its state. */
export type FlowInfo = TypeOf<typeof flowInfo>;
export type FlowState = FlowInfo['state'];
/** A client of an application with its open flows. */
export type ClientInfo = TypeOf<typeof clientInfo>;
export type Presentation = TypeOf<typeof presentation>;
export type OpenRequest = TypeOf<typeof openRequest>;
export type OpenedFlow = TypeOf<typeof openedFlow>;
export type DuplicatorReady = TypeOf<typeof duplicatorReady>;
export type DuplicatorReport = TypeOf<typeof duplicatorReport>;
export type ServeRequest = TypeOf<typeof serveRequest>;
export type ServeResult = TypeOf<typeof serveResult>;
export type AppServerReady = TypeOf<typeof appServerReady>;
export type GatewayOptions = TypeOf<typeof gatewayOptions>;
export type GatewayReady = TypeOf<typeof gatewayReady>;
export type GatewayInfo = TypeOf<typeof gatewayInfo>;
export type ChildAddress = TypeOf<typeof childAddress>;
export type StartFailure = TypeOf<typeof startFailure>;
