/**
 * Members that the option documents of several servers share. One definition each: an
 * application's setting passes from the configuration through host server and app server to the
 * duplicator as the same member. Used by the documents of app servers, duplicators and gateways,
 * and by the contract. Pure.
 */
import { LIMITS } from '../../base/limits.js';
import { arrayOf, double, int, oneOf, optional, string } from '../xml-rpc/schema.js';
import { accessOptions } from './access-options.js';

const DAY_MS = 86_400_000;

export const pathMember = (doc: string) => optional(string({ maxCharacters: 4096, doc }));
export const durationMember = (doc: string, minMs = 0, maxMs = DAY_MS) =>
  optional(double({ min: minMs, max: maxMs, doc: `milliseconds ${doc}` }));

/** What an application states about all its flows. */
export const FLOW_SETTINGS = {
  updateIntervalMs: durationMember('between updates from the source; 0 means without a pause', 0, 3_600_000),
  sourceSharePercent: optional(
    double({
      min: 0,
      max: 100,
      doc: "the share of SpecTcl's time that updates take: sets the interval, which updateIntervalMs (default 100) limits; default 5, or 0, a fixed interval, where updateIntervalMs is given",
    }),
  ),
  lingerMs: durationMember('for which a flow without clients is kept'),
  ringBytes: optional(
    int({ min: 0, max: LIMITS.mappedBytesMax, doc: 'memory budget of a mirror ring, bytes' }),
  ),
  stallTimeoutMs: durationMember(
    'after which a lossless consumer that holds back a flow becomes lossy; 0 means never, of a mirror 5 s',
  ),
  access: optional(accessOptions),
};

/** Files that authenticate this host to others and others to it: names, never contents. */
export const SECURITY_FILES = {
  secretFile: pathMember('file with the secret that this host shares with others'),
  tlsCert: pathMember('file with the certificate that this host shows over TLS'),
  tlsKey: pathMember('file with its key'),
  tlsCa: pathMember('file with the certificates that other hosts are trusted by'),
};

/**
 * Links between duplicators of different hosts. `integrity` off: without TLS, links to hosts with
 * the same setting carry no MAC. `peers`: names or addresses of the hosts of the configuration,
 * whose connections never compete with those of others.
 */
export const LINK_SETTINGS = {
  integrity: optional(oneOf(['on', 'off'])),
  peers: optional(arrayOf(string({ maxCharacters: 255 }), { maxCount: 64 })),
};

/** How the counts of a flow travel between its duplicator and clients of the duplicator's user. */
export const LINK_SIGNALS = ['stream', 'datagram'] as const;
export type LinkSignal = (typeof LINK_SIGNALS)[number];

export const DIRECTORIES = {
  directory: pathMember('runtime directory'),
  flowDirectory: pathMember('directory of the flow files'),
};
