/** The structs that several methods of the contract share, and their types. */
import { LIMITS } from '../../base/limits.js';
import {
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
  type TypeOf,
} from '../xml-rpc/schema.js';
import { FLOW_SETTINGS } from './option-members.js';
import { programs } from './programs.js';

const text = (maxCharacters: number, doc: string) => string({ maxCharacters, doc });
const path = (doc: string) => string({ maxCharacters: 4096, doc });
export const address = string({
  maxCharacters: 1024,
  doc: 'an address, tcp://host:port, tls://host:port, unix:/path or spectcl://host?rest=…&mirror=…',
});
export const session = string({ maxCharacters: 64, doc: 'the session token that client.present gave' });
const errorCode = string({ maxCharacters: 40, doc: 'an error code name' });
const count = (doc: string) => int({ min: 0, doc });

/** Who a process is, so that a reused process id is never taken for it. */
export const processIdentity = struct({
  pid: int({ min: 1, doc: 'process id' }),
  startTicks: count('start time in clock ticks since boot'),
  bootId: string({ maxCharacters: 64, doc: "the kernel's boot id" }),
});

export const APPLICATION_STATES = ['starting', 'running', 'stopping', 'stopped', 'failed'] as const;
export const FLOW_STATES = ['idle', 'starting', 'running', 'stopping', 'failed'] as const;
export const SOURCE_STATE_NAMES = ['starting', 'live', 'stale', 'ended'] as const;

/** The ports where an application answers as if it were its SpecTcl. */
export const gatewayOptions = struct({
  restPort: int({ min: 0, max: 65_535, doc: 'TCP port of the REST service; 0 is any free one' }),
  mirrorPort: int({ min: 0, max: 65_535, doc: 'TCP port of the mirror service; 0 is any free one' }),
  host: optional(
    string({ maxCharacters: 253, doc: 'where both listen; loopback when left out, 0.0.0.0 is everywhere' }),
  ),
  allowChanges: optional(boolean()),
  sharedMemory: optional(boolean()),
  sharedMemoryKey: optional(
    string({
      pattern: /^[\x21-\x7e]{4}$/,
      doc: 'the memory key, 4 visible ASCII characters; default: a free XA and 2 digits',
    }),
  ),
  sharedMemoryMode: optional(
    string({ pattern: /^0?[0-7]{3}$/, doc: 'permissions of the shared memory, octal; 0600 when left out' }),
  ),
  advertise: optional(
    string({
      pattern: /^[A-Za-z_][A-Za-z0-9_.-]{0,40}$/,
      doc: 'advertise as NAME_REST and NAME_MIRROR at the port manager of this host',
    }),
  ),
  portManagerPort: optional(int({ min: 1, max: 65_535, doc: 'TCP port of the port manager' })),
});

/** What is stated of an application besides its name and port. */
export const APPLICATION_SETTINGS = {
  source: optional(address),
  via: optional(name('host')),
  gateway: optional(gatewayOptions),
  programs: optional(programs),
  ...FLOW_SETTINGS,
};

/** What host.run takes; also an entry of the configuration file. */
export const applicationOptions = struct({
  name: name('application'),
  ...APPLICATION_SETTINGS,
  port: optional(int({ min: 0, max: 65_535, doc: 'TCP port of the app server; 0 is any free one' })),
});

export const applicationInfo = struct({
  name: name('application'),
  state: oneOf(APPLICATION_STATES),
  source: optional(address),
  via: optional(name('host')),
  pid: optional(int({ min: 1, doc: 'process id of the app server' })),
  port: optional(int({ min: 0, max: 65_535, doc: 'TCP port of the app server' })),
  socket: optional(path('path of the app server socket')),
  startedAt: optional(date()),
  restarts: count('times the app server was restarted'),
  configured: boolean(),
  byHand: boolean(),
  cause: optional(text(4096, 'why it failed')),
});

export const flowInfo = struct({
  flow: name('flow'),
  type: text(64, 'the flow type'),
  state: oneOf(FLOW_STATES),
  sourceState: optional(oneOf(SOURCE_STATE_NAMES)),
  source: optional(address),
  pid: optional(int({ min: 1, doc: 'process id of the duplicator' })),
  file: optional(path('path of the flow file')),
  image: optional(path('path of the image')),
  bufferSize: optional(count('bytes a buffer can hold')),
  buffers: optional(count('buffers of the ring')),
  published: optional(count('buffers published')),
  clients: count('clients that have the flow open'),
  restarts: count('times the duplicator was restarted'),
  cause: optional(text(4096, 'why it failed or its data are stale')),
});

export const clientInfo = struct({
  name: name('client'),
  program: text(256, 'the program'),
  pid: int({ min: 0, doc: 'process id, 0 when it did not say' }),
  connected: boolean(),
  since: date(),
  flows: arrayOf(struct({ flow: name('flow'), direction: oneOf(['input', 'output']) })),
});

export const presentation = struct({
  name: name('client'),
  program: text(256, 'the program, for people'),
  pid: int({ min: 0, doc: 'process id' }),
  version: int({ min: 0, doc: 'protocol version' }),
});

export const openRequest = struct({
  flow: name('flow'),
  direction: oneOf(['input', 'output']),
  type: optional(text(64, 'the flow type the client expects or provides')),
  bufferSize: optional(int({ min: 1, max: LIMITS.mappedBytes, doc: 'bytes of one buffer; providers' })),
  buffers: optional(
    int({ min: LIMITS.slotCountMin, max: LIMITS.slotCountMax, doc: 'buffers of the ring; providers' }),
  ),
  properties: optional(text(LIMITS.identityBytes, 'properties of the type, JSON; providers')),
  link: optional(
    int({
      min: 1,
      doc: 'what the client says in the HELLO of its signal link: the handle of an earlier app server, or a number of its own; left out for the handle that the answer gives',
    }),
  ),
  handle: optional(
    int({
      min: 1,
      doc: 'the handle under which this session has the flow open already, when its duplicator has gone and another one is wanted',
    }),
  ),
});

export const openedFlow = struct({
  handle: int({ min: 1, doc: 'what flow.close takes' }),
  flow: name('flow'),
  type: text(64, 'the flow type'),
  file: path('path of the flow file'),
  link: path('path of the signal link'),
  image: optional(path('path of the image')),
});

/**
 * What a duplicator says of itself when it is ready, and again to an app server that was restarted.
 */
export const duplicatorReady = struct({
  launch: optional(string({ maxCharacters: 64, doc: 'the token it was started with' })),
  version: int({ min: 0, doc: 'protocol version' }),
  identity: processIdentity,
  application: name('application'),
  flow: name('flow'),
  type: text(64, 'the flow type'),
  source: optional(address),
  file: path('path of the flow file'),
  link: path('path of the signal link'),
  image: optional(path('path of the image')),
  bufferSize: count('bytes a buffer can hold'),
  buffers: count('buffers of the ring'),
});

export const duplicatorReport = struct({
  sourceState: oneOf(SOURCE_STATE_NAMES),
  cause: optional(text(4096, 'why the data are stale')),
  published: count('buffers published'),
  clients: count('clients on the signal link'),
});

/** Where a duplicator is to listen for duplicators of other hosts. */
export const serveRequest = struct({
  listen: string({ maxCharacters: 1024, doc: 'tcp://host:port or tls://host:port; port 0 is any free one' }),
});

export const served = struct({
  address: text(1024, 'where it listens, with the port it got'),
  epoch: count('epoch of the flow'),
});

export const appServerReady = struct({
  launch: optional(string({ maxCharacters: 64, doc: 'the token it was started with' })),
  version: int({ min: 0, doc: 'protocol version' }),
  identity: processIdentity,
  name: name('application'),
  socket: path('path of its socket'),
  port: int({ min: 0, max: 65_535, doc: 'its TCP port' }),
  source: optional(address),
});

/** What a gateway says of itself when it listens, and again to an app server that was restarted. */
export const gatewayReady = struct({
  launch: optional(string({ maxCharacters: 64, doc: 'the token it was started with' })),
  version: int({ min: 0, doc: 'protocol version' }),
  identity: processIdentity,
  application: name('application'),
  options: gatewayOptions,
  host: text(253, 'where it listens'),
  restPort: int({ min: 1, max: 65_535, doc: 'TCP port of its REST service' }),
  mirrorPort: int({ min: 1, max: 65_535, doc: 'TCP port of its mirror service' }),
});

export const GATEWAY_STATES = ['starting', 'running', 'failed', 'stopped'] as const;

export const gatewayInfo = struct({
  state: oneOf(GATEWAY_STATES),
  pid: optional(int({ min: 1, doc: 'process id of the gateway' })),
  host: optional(text(253, 'where it listens')),
  restPort: optional(int({ min: 1, max: 65_535, doc: 'TCP port of its REST service' })),
  mirrorPort: optional(int({ min: 1, max: 65_535, doc: 'TCP port of its mirror service' })),
  restarts: count('times it was restarted'),
  cause: optional(text(4096, 'why it failed')),
});

export const startFailure = struct({
  launch: string({ maxCharacters: 64, doc: 'the token the child was started with' }),
  code: errorCode,
  message: text(4096, 'what went wrong'),
});

export const childAddress = struct({
  launch: string({ maxCharacters: 64, doc: 'the token the child was started with' }),
  pid: int({ min: 1, doc: 'process id of the child' }),
  address: text(512, 'the address that the child serves'),
});

export const statistics = mapOf(double());

export type ProcessIdentity = TypeOf<typeof processIdentity>;
export type ApplicationOptions = TypeOf<typeof applicationOptions>;
export type ApplicationInfo = TypeOf<typeof applicationInfo>;
export type ApplicationState = ApplicationInfo['state'];
export type FlowInfo = TypeOf<typeof flowInfo>;
export type FlowState = FlowInfo['state'];
export type ClientInfo = TypeOf<typeof clientInfo>;
export type Presentation = TypeOf<typeof presentation>;
export type OpenRequest = TypeOf<typeof openRequest>;
export type OpenedFlow = TypeOf<typeof openedFlow>;
export type DuplicatorReady = TypeOf<typeof duplicatorReady>;
export type DuplicatorReport = TypeOf<typeof duplicatorReport>;
export type ServeRequest = TypeOf<typeof serveRequest>;
export type Served = TypeOf<typeof served>;
export type AppServerReady = TypeOf<typeof appServerReady>;
export type GatewayOptions = TypeOf<typeof gatewayOptions>;
export type GatewayReady = TypeOf<typeof gatewayReady>;
export type GatewayInfo = TypeOf<typeof gatewayInfo>;
export type ChildAddress = TypeOf<typeof childAddress>;
export type StartFailure = TypeOf<typeof startFailure>;
