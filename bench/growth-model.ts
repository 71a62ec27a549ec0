/**
 * The arithmetic of `growth`: what a laboratory of many hosts and viewers needs when a mirror is
 * published over it, in four arrangements, and at which number of hosts each of them stops. From
 * parameters, most of which `hosts`, `scale` and `nats` measure. Pure.
 *
 * ```
 *  SpecTcl    SpecTcl ─► each host                     whole memories, one thread of SpecTcl each
 *  direct     SpecTcl ─► source ─► each host           changes, one sender for all
 *  relayed    SpecTcl ─► source ─► hosts ─► hosts …    changes, `fanOut` hosts each
 *  NATS       SpecTcl ─► source ─► server ─► each host changes, published once
 * ```
 */
export interface GrowthParameters {
  /** Hosts that have the mirror, the one beside SpecTcl included. */
  readonly hosts: number;
  /** Viewers on all hosts together, spread evenly. */
  readonly viewers: number;
  readonly publicationsPerSecond: number;
  /** Hosts to which each host sends, where relays are. */
  readonly fanOut: number;
  /** Bytes of an update of SpecTcl: the channels that are used. */
  readonly updateBytes: number;
  /** Bytes of the changes of a publication, between two hosts. */
  readonly changeBytes: number;
  /** What one host or server can send in a second. */
  readonly networkBytesPerSecond: number;
  /** The busiest part of a core that is still acceptable: beyond it publications wait. */
  readonly coreShareMax: number;
  /** Hosts that one duplicator serves. */
  readonly receiversMax: number;
  /** Cores of the hosts of SpecTcl and of the NATS server; a duplicator uses one. */
  readonly serverCores: number;
  /** Processor time of the source's duplicator per publication, without receivers. */
  readonly sourceMs: number;
  /** Processor time of SpecTcl's thread for an update. */
  readonly spectclMs: number;
  /** Processor time of a sending duplicator per KiB of changes that it sends to a host. */
  readonly sendMsPerKib: number;
  /** Processor time of a receiving duplicator per publication. */
  readonly receiveMs: number;
  /** Processor time of a duplicator per publication and viewer on its host. */
  readonly viewerMs: number;
  /** Processor time of the source's NATS process per publication. */
  readonly natsPublishMs: number;
  /** Processor time of the NATS server per publication and receiving host. */
  readonly natsSendMs: number;
  /** Wake-ups of a duplicator per publication: its own, and for each host that it sends to. */
  readonly wakeUpsOfPublication: number;
  readonly wakeUpsOfHost: number;
}

export const GROWTH_DEFAULTS: GrowthParameters = {
  hosts: 500,
  viewers: 10_000,
  publicationsPerSecond: 10,
  fanOut: 8,
  updateBytes: 8 * 2 ** 20,
  changeBytes: 27 * 1024,
  networkBytesPerSecond: 125e6,
  coreShareMax: 0.7,
  receiversMax: 256,
  serverCores: 4,
  sourceMs: 7,
  spectclMs: 3,
  sendMsPerKib: 0.08,
  receiveMs: 3.5,
  viewerMs: 0.02,
  natsPublishMs: 30,
  natsSendMs: 0.05,
  wakeUpsOfPublication: 5.2,
  wakeUpsOfHost: 1.1,
};

export const ARRANGEMENTS = ['SpecTcl', 'direct', 'relayed', 'NATS'] as const;
export type Arrangement = (typeof ARRANGEMENTS)[number];

/** A process that sends to others: what it needs in a second. */
export interface Place {
  readonly name: string;
  readonly receivers: number;
  /** Infinity where the program has no such limit of ours. */
  readonly receiversMax: number;
  /** Share of the cores that it can use; above 1 it cannot keep up. */
  readonly coreShare: number;
  readonly bytesPerSecond: number;
}

export interface Need {
  readonly arrangement: Arrangement;
  /** All hosts together. */
  readonly bytesPerSecond: number;
  readonly cores: number;
  readonly wakeUpsPerSecond: number;
  /** Connections that a change passes from the source to the last host. */
  readonly hops: number;
  readonly busiest: Place;
  /** Most hosts with the same viewers each; Infinity where nothing of the model ends it. */
  readonly hostsMax: number;
  readonly stopsAt: Stop;
}

export type Stop = 'a core' | 'the network' | 'connections' | 'nothing of these';

/** Processor time of a sending duplicator per publication and receiving host. */
export function sendMsOf({ changeBytes, sendMsPerKib }: GrowthParameters): number {
  return (changeBytes / 1024) * sendMsPerKib;
}

/** Throws RangeError for a parameter that makes no sense. */
export function needOf(arrangement: Arrangement, parameters: GrowthParameters): Need {
  checkParameters(parameters);
  const { hosts, publicationsPerSecond: rate } = parameters;
  const places = placesOf(arrangement, parameters);
  const busiest = places.reduce((most, place) =>
    loadOf(place, parameters) > loadOf(most, parameters) ? place : most,
  );
  const { hostsMax, stopsAt } = endOf(arrangement, parameters);
  const bytes = arrangement === 'SpecTcl' ? parameters.updateBytes : parameters.changeBytes;
  const copies = copiesOf(arrangement, hosts);
  return {
    arrangement,
    bytesPerSecond: copies * bytes * rate,
    cores: (coresMsOf(arrangement, parameters) * rate) / 1_000,
    wakeUpsPerSecond: wakeUpsOf(arrangement, parameters) * rate,
    hops: hopsOf(arrangement, parameters),
    busiest,
    hostsMax,
    stopsAt,
  };
}

/** Hosts of each level of the tree, the source first: `fanOut` hosts below each. */
export function levelsOf(hosts: number, fanOut: number): number[] {
  const levels = [1];
  for (let left = hosts - 1, width = fanOut; left > 0; left -= width, width *= fanOut)
    levels.push(Math.min(left, width));
  return levels;
}

/** The source sends to none when it is alone; every host but the source receives one copy. */
function copiesOf(arrangement: Arrangement, hosts: number): number {
  switch (arrangement) {
    case 'SpecTcl':
      return hosts;
    case 'direct':
    case 'relayed':
      return hosts - 1;
    case 'NATS':
      return hosts; // one copy to the server, one to each other host
  }
}

function hopsOf(arrangement: Arrangement, { hosts, fanOut }: GrowthParameters): number {
  switch (arrangement) {
    case 'SpecTcl':
    case 'direct':
      return 1;
    case 'NATS':
      return 2;
    case 'relayed':
      return Math.max(1, levelsOf(hosts, fanOut).length - 1);
  }
}

/** The processes that send: each kind once, with the most receivers that it has. */
function placesOf(arrangement: Arrangement, parameters: GrowthParameters): Place[] {
  const { hosts, viewers, fanOut, publicationsPerSecond: rate, changeBytes, updateBytes } = parameters;
  const { sourceMs, receiveMs, viewerMs, spectclMs } = parameters;
  const sendMs = sendMsOf(parameters);
  const viewersMs = (viewers / hosts) * viewerMs;
  const { receiversMax, serverCores } = parameters;
  const duplicator = (name: string, receivers: number, ms: number): Place => ({
    name,
    receivers,
    receiversMax,
    coreShare: (ms * rate) / 1_000,
    bytesPerSecond: receivers * changeBytes * rate,
  });
  const server = (name: string, receivers: number, ms: number, bytes: number): Place => ({
    name,
    receivers,
    receiversMax: Infinity,
    coreShare: (receivers * ms * rate) / 1_000 / serverCores,
    bytesPerSecond: receivers * bytes * rate,
  });
  const source = (receivers: number): Place =>
    duplicator('source', receivers, sourceMs + receivers * sendMs + viewersMs);
  switch (arrangement) {
    case 'SpecTcl':
      return [server('SpecTcl', hosts, spectclMs, updateBytes)];
    case 'direct':
      return [source(hosts - 1)];
    case 'relayed': {
      const [, below = 0, further = 0] = levelsOf(hosts, fanOut);
      const children = Math.min(fanOut, further);
      return [source(below), duplicator('relay', children, receiveMs + children * sendMs + viewersMs)];
    }
    case 'NATS':
      return [
        server('NATS server', hosts - 1, parameters.natsSendMs, changeBytes),
        duplicator('source', 0, sourceMs + viewersMs),
        duplicator('NATS process', 1, parameters.natsPublishMs),
      ];
  }
}

/** Processor time of all hosts for one publication, in milliseconds; without that of viewers. */
function coresMsOf(arrangement: Arrangement, parameters: GrowthParameters): number {
  const { hosts, viewers, sourceMs, spectclMs, receiveMs, viewerMs } = parameters;
  const others = hosts - 1;
  const viewersMs = viewers * viewerMs;
  switch (arrangement) {
    case 'SpecTcl':
      return hosts * (spectclMs + sourceMs) + viewersMs;
    case 'direct':
    case 'relayed':
      return spectclMs + sourceMs + others * (sendMsOf(parameters) + receiveMs) + viewersMs;
    case 'NATS': {
      const { natsPublishMs, natsSendMs } = parameters;
      return spectclMs + sourceMs + natsPublishMs + others * (natsSendMs + receiveMs) + viewersMs;
    }
  }
}

/** Wake-ups of all hosts for one publication: duplicators, and each viewer once. */
function wakeUpsOf(arrangement: Arrangement, parameters: GrowthParameters): number {
  const { hosts, viewers, wakeUpsOfPublication, wakeUpsOfHost } = parameters;
  const duplicators = hosts * wakeUpsOfPublication;
  const sending = arrangement === 'SpecTcl' ? hosts : (hosts - 1) * wakeUpsOfHost;
  return duplicators + sending + viewers;
}

/** Share of what is acceptable: 1 is the end. */
function loadOf(place: Place, { coreShareMax, networkBytesPerSecond }: GrowthParameters): number {
  const { coreShare, bytesPerSecond, receivers, receiversMax } = place;
  return Math.max(coreShare / coreShareMax, bytesPerSecond / networkBytesPerSecond, receivers / receiversMax);
}

const HOSTS_SEARCHED_MAX = 2 ** 20;

/** The largest number of hosts, with as many viewers each as now, and what ends it. */
function endOf(arrangement: Arrangement, parameters: GrowthParameters): { hostsMax: number; stopsAt: Stop } {
  const at = (hosts: number): GrowthParameters => ({
    ...parameters,
    hosts,
    viewers: (parameters.viewers / parameters.hosts) * hosts,
  });
  const stopAt = (hosts: number): Stop | undefined =>
    placesOf(arrangement, at(hosts))
      .map((place) => stopOf(place, parameters))
      .find((stop) => stop !== undefined);
  if (stopAt(1) !== undefined) return { hostsMax: 0, stopsAt: stopAt(1) ?? 'a core' };
  if (stopAt(HOSTS_SEARCHED_MAX) === undefined) return { hostsMax: Infinity, stopsAt: 'nothing of these' };
  let [works, fails] = [1, HOSTS_SEARCHED_MAX];
  while (fails - works > 1) {
    const middle = Math.floor((works + fails) / 2);
    if (stopAt(middle) === undefined) works = middle;
    else fails = middle;
  }
  return { hostsMax: works, stopsAt: stopAt(fails) ?? 'a core' };
}

function stopOf(place: Place, { coreShareMax, networkBytesPerSecond }: GrowthParameters): Stop | undefined {
  if (place.coreShare > coreShareMax) return 'a core';
  if (place.bytesPerSecond > networkBytesPerSecond) return 'the network';
  return place.receivers > place.receiversMax ? 'connections' : undefined;
}

function checkParameters(parameters: GrowthParameters): void {
  for (const [name, value] of Object.entries(parameters) as [string, number][])
    if (!Number.isFinite(value) || value < 0)
      throw new RangeError(`${name} is ${value}: it must not be negative`);
  for (const name of ['hosts', 'fanOut', 'serverCores'] as const)
    if (!Number.isInteger(parameters[name]) || parameters[name] < 1)
      throw new RangeError(`${name} is ${parameters[name]}: it must be a whole number from 1`);
}
