/**
 * Schemas of statistics and network status: what clients and duplicators report when the app server
 * asks them, and what the app server returns to its callers. Part of the contract; pure.
 */
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
import { FLOW_STATES } from './shapes.js';

const count = (doc: string) => int({ min: 0, doc });
const path = (doc: string) => string({ maxCharacters: 4096, doc });
const direction = oneOf(['input', 'output']);
const delivery = oneOf(['lossless', 'lossy']);

/** The counts of a client for a flow since the client opened it. */
const clientFlow = {
  flow: name('flow'),
  direction,
  buffers: count('buffers taken or written'),
  bytes: count('bytes taken or written'),
  lost: count('buffers lost: lapped, overwritten or dropped'),
  ready: optional(count('filled buffers of the history')),
  capacity: optional(count('size of the history or of the ring, in buffers')),
  queued: optional(count('buffers that wait for space in the ring; providers only')),
  delivery: optional(delivery),
  paused: optional(boolean()),
};

export const clientReport = struct({
  flows: arrayOf(struct({ handle: int({ min: 1, doc: 'the handle of flow.open' }), ...clientFlow })),
});

const link = {
  role: oneOf(['consumer', 'provider', 'observer']),
  delivery: optional(delivery),
  paused: optional(boolean()),
  acknowledged: optional(count('the client no longer needs buffers below this sequence')),
  lag: optional(count('buffers published and not acknowledged')),
  holding: boolean(),
};

export const duplicatorStatistics = struct({
  published: count('buffers published in this epoch'),
  links: arrayOf(struct({ client: count('the number from the HELLO of the client'), ...link })),
  remotes: optional(
    arrayOf(
      struct({
        peer: string({ maxCharacters: 300, doc: 'address of the duplicator that receives the flow' }),
        delivery,
        acknowledged: count('its ring contains the buffers below this sequence'),
        lag: count('buffers published and not acknowledged'),
        holding: boolean(),
        sentBytes: count('bytes sent to it on this connection'),
      }),
    ),
  ),
});

/**
 * A flow of a client: the client's own counts, if it answered, and the duplicator's for its link.
 */
const usage = struct({
  flow: name('flow'),
  direction,
  buffers: optional(clientFlow.buffers),
  bytes: optional(clientFlow.bytes),
  lost: optional(clientFlow.lost),
  ready: clientFlow.ready,
  capacity: clientFlow.capacity,
  queued: clientFlow.queued,
  delivery: optional(delivery),
  paused: optional(boolean()),
  buffersPerSecond: optional(double({ min: 0, doc: 'the rate since the previous statistics' })),
  bytesPerSecond: optional(double({ min: 0, doc: 'the rate since the previous statistics' })),
  acknowledged: link.acknowledged,
  lag: link.lag,
  holding: optional(boolean()),
  missed: optional(count('buffers that a consumer missed in the ring, as it reported')),
  holds: optional(count('times that a consumer has held the writer back')),
  heldMs: optional(double({ min: 0, doc: 'milliseconds for which it has held the writer back' })),
});

/** A row of the consumer table of a flow file. */
export const flowConsumer = struct({
  client: optional(name('client')),
  pid: optional(int({ min: 1, doc: 'process id on this host, where it is known' })),
  remote: boolean(),
  delivery,
  paused: boolean(),
  acknowledged: count('the consumer no longer needs buffers below this sequence'),
  lag: count('buffers published and not acknowledged'),
  missed: count('buffers that it missed in the ring, as it reported'),
  holding: boolean(),
  holds: count('times that it has held the writer back'),
  heldMs: double({ min: 0, doc: 'milliseconds for which it has held the writer back, up to now' }),
});

export const clientStatistics = struct({
  name: name('client'),
  program: string({ maxCharacters: 256, doc: 'the program' }),
  pid: int({ min: 0, doc: 'process id; 0 if the client did not state it' }),
  connected: boolean(),
  answered: boolean(),
  flows: arrayOf(usage),
});

export const flowStatistics = struct({
  flow: name('flow'),
  state: oneOf(FLOW_STATES),
  answered: boolean(),
  counters: mapOf(double()),
  links: arrayOf(struct({ client: optional(name('client')), ...link })),
});

const statisticsOfHost = {
  collectedAt: date(),
  clients: arrayOf(clientStatistics),
  flows: arrayOf(flowStatistics),
};

export const applicationStatistics = struct({
  ...statisticsOfHost,
  elsewhere: optional(arrayOf(struct({ host: name('host'), ...statisticsOfHost }))),
});

export const programInfo = struct({
  name: name('program'),
  command: path('absolute path of the program'),
  args: arrayOf(string()),
  running: count('running processes of the program'),
});

const statusOfHost = {
  application: name('application'),
  clients: arrayOf(
    struct({
      name: name('client'),
      program: string({ maxCharacters: 256, doc: 'the program' }),
      pid: int({ min: 0, doc: 'process id; 0 if the client did not state it' }),
      connected: boolean(),
      provides: arrayOf(name('flow')),
      consumes: arrayOf(name('flow')),
    }),
  ),
  flows: arrayOf(
    struct({
      flow: name('flow'),
      type: string({ maxCharacters: 64, doc: 'the flow type' }),
      state: oneOf(FLOW_STATES),
      duplicator: optional(int({ min: 1, doc: 'process id of the duplicator' })),
      answered: boolean(),
      source: optional(string({ doc: 'the address of the source, if no client provides the flow' })),
      provider: optional(name('client')),
      consumers: arrayOf(name('client')),
      holding: arrayOf(name('client')),
    }),
  ),
  programs: arrayOf(programInfo),
};

export const networkStatus = struct({
  ...statusOfHost,
  elsewhere: optional(arrayOf(struct({ host: name('host'), ...statusOfHost }))),
});

export type ClientReport = TypeOf<typeof clientReport>;
export type DuplicatorStatistics = TypeOf<typeof duplicatorStatistics>;
/** A consumer of a flow, as it stands in the flow file. */
export type FlowConsumer = TypeOf<typeof flowConsumer>;
export type ClientStatistics = TypeOf<typeof clientStatistics>;
export type FlowStatistics = TypeOf<typeof flowStatistics>;
/** Counters of all flows and clients of an application. */
export type ApplicationStatistics = TypeOf<typeof applicationStatistics>;
/** A program that an application may start, and how many of it run. */
export type ProgramInfo = TypeOf<typeof programInfo>;
/** The links between the hosts of an application. */
export type NetworkStatus = TypeOf<typeof networkStatus>;
