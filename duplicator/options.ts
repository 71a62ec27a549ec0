/**
 * The duplicator's command line, checked: the arguments of the Smartflow note (flow, size and
 * number of buffers, input or output, the system and port to connect to) and the document of
 * `--options` with all else. main.ts reads it once; the flows get the result as one object. Pure.
 */
import { parseAddress, type AddressOf, formatAddress } from '../protocol/base/address.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { LIMITS } from '../protocol/base/limits.js';
import { checkFlowType, checkName } from '../protocol/base/names.js';
import { flowDirectory, runtimeDirectory } from '../protocol/base/paths.js';
import {
  helpOfTable,
  readDocument,
  readOptionTable,
  type GivenOptions,
  type OptionTable,
} from '../protocol/host/process-kit/option-table.js';
import {
  formatSiteAddress,
  isSiteAddress,
  parseSiteAddress,
  type SiteAddress,
} from '../protocol/nats/site-address.js';
import type { Integrity } from '../protocol/flow/wire/handshake-messages.js';
import type { AccessOptions } from '../protocol/rpc/contract/access-options.js';
import {
  DUPLICATOR_MEMBERS,
  duplicatorDocument,
  sourceAddress,
  type DuplicatorDocument,
} from '../protocol/rpc/contract/duplicator-options.js';
import type { LinkSignal } from '../protocol/rpc/contract/option-members.js';
import { securityFiles, type SecurityFiles } from '../protocol/rpc/security/options.js';
import { REATTACH_MS } from './recovery/reattach-gate.js';

/** What every flow needs. */
export interface CommonOptions {
  readonly app: string;
  readonly flow: string;
  readonly lingerMs: number;
  /** Longest wait for the lossless consumers of a dead predecessor, milliseconds. */
  readonly reattachMs: number;
  /**
   * Milliseconds after which a lossless consumer that holds the flow back becomes lossy; 0 is
   * never.
   */
  readonly stallTimeoutMs: number;
  /** Users and groups that may read and provide beside the owner; undefined: its group reads. */
  readonly access: AccessOptions | undefined;
  /** Session socket of the app server; undefined when run by hand. */
  readonly parent: string | undefined;
  readonly directory: string;
  readonly flowDirectory: string;
  /**
   * Where other hosts may fetch the flow from the start on; undefined until the app server asks.
   */
  readonly serve: AddressOf<'tcp' | 'tls'> | undefined;
  /** What authenticates hosts to each other; without a secret the flow stays on this host. */
  readonly security: SecurityFiles;
  /** `off`: links without TLS to hosts that want the same have no MAC. */
  readonly integrity: Integrity;
  /** Names or addresses of the hosts of the configuration, which have places of their own. */
  readonly peers: readonly string[];
}

/** A flow that a local provider fills. */
export interface LocalFlowOptions extends CommonOptions {
  readonly direction: 'output';
  readonly type: string;
  readonly bufferSize: number;
  readonly buffers: number;
  readonly properties: Readonly<Record<string, unknown>>;
  /** `datagram`: the flow has a datagram link too. */
  readonly signal: LinkSignal;
}

/** A flow that is filled from a SpecTcl. */
export interface MirrorFlowOptions extends CommonOptions {
  readonly direction: 'input';
  readonly type: string;
  readonly source: AddressOf<'spectcl'>;
  readonly sourceText: string;
  /** From request to request; the longest such time where the interval follows the source. */
  readonly updateIntervalMs: number;
  /** Share of the source's time at which the interval aims; 0: it does not follow the source. */
  readonly sourceSharePercent: number;
  readonly idleIntervalMs: number;
  readonly fullIntervalMs: number;
  readonly startTimeoutMs: number;
  /** Memory budget of the ring, bytes. */
  readonly ringBytes: number;
}

/**
 * A flow that another host's duplicator sends, or another site publishes: type, properties and size
 * of its buffers come from there.
 */
export interface RemoteFlowOptions extends CommonOptions {
  readonly direction: 'remote';
  /** The type that is expected; undefined for whatever comes. */
  readonly type: string | undefined;
  readonly source: AddressOf<'tcp' | 'tls'> | SiteAddress;
  readonly sourceText: string;
  /**
   * Buffers of the ring here; undefined for as many as the source has, or `ringBytes` allow for a
   * mirror.
   */
  readonly buffers: number | undefined;
  /**
   * Memory budget of the ring, bytes; undefined for what the source has, a mirror's own default.
   */
  readonly ringBytes: number | undefined;
  /** Whether every buffer travels with a checksum. */
  readonly crc: boolean;
  readonly startTimeoutMs: number;
}

export type DuplicatorOptions = LocalFlowOptions | MirrorFlowOptions | RemoteFlowOptions;

/** What every flow gets that its document does not state. */
const DEFAULTS = {
  lingerMs: 30_000,
  reattachMs: REATTACH_MS,
  stallTimeoutMs: 0,
  integrity: 'on',
  peers: [] as readonly string[],
} as const;
const MIRROR_DEFAULTS = {
  updateIntervalMs: 100,
  sourceSharePercent: 5,
  idleIntervalMs: 500,
  fullIntervalMs: 60_000,
  startTimeoutMs: 800,
  ringBytes: 48 * 1024 * 1024,
};
/** A remote start is a connection over a network and three messages of a handshake. */
const REMOTE_DEFAULTS = { startTimeoutMs: 5_000, crc: false };

/** Waits that a slow machine may make longer for all duplicators at once; milliseconds. */
const WAITS_FROM_ENVIRONMENT = {
  startTimeoutMs: 'MIRRORFLOW_START_TIMEOUT',
  reattachMs: 'MIRRORFLOW_REATTACH',
} as const;

const TABLE = {
  flow: { value: 'NAME', help: 'flow' },
  'buffer-size': { value: 'BYTES', help: 'longest buffer of an output; 0 for an input: the source decides' },
  buffers: { value: 'N', help: 'buffers of the ring; 0 for an input: the source decides' },
  input: { help: 'the flow is filled from the system of --connect' },
  output: { help: 'the flow is filled by a provider on this host' },
  connect: { value: 'SYSTEM', help: 'host, tcp://HOST or tls://HOST with a duplicator, nats://HOST:PORT/PREFIX/SITE, or spectcl://HOST?rest=PORT' },
  port: { value: 'PORT', help: 'port to connect to (input), or to listen on for other hosts (output; 0: when asked)' },
  options: { value: 'JSON', help: 'all else, one JSON document' },
} as const satisfies OptionTable; // prettier-ignore

type Given = GivenOptions<typeof TABLE>;

export function duplicatorHelp(): string {
  const usage = [
    'duplicator --flow NAME --buffer-size BYTES --buffers N --output [--port PORT] --options JSON',
    'duplicator --flow NAME --buffer-size 0 --buffers 0 --input --connect SYSTEM --port PORT --options JSON',
  ];
  return helpOfTable(usage, TABLE, DUPLICATOR_MEMBERS, { ...DEFAULTS, ...MIRROR_DEFAULTS });
}

/** Throws BAD_OPTION, BAD_NAME or BAD_ADDRESS naming the option. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): DuplicatorOptions {
  const given = readOptionTable(TABLE, args);
  const flow = checkName('flow', required('flow', given.flow));
  if (given.input === given.output) {
    throw new MirrorflowError('BAD_OPTION', 'give either --input (with --connect) or --output');
  }
  const document = readDocument(duplicatorDocument, required('options', given.options), waits(env));
  const common = commonOptions(flow, document, env);
  return given.output === true ? outputOptions(given, common) : inputOptions(given, common);
}

function commonOptions(flow: string, document: DuplicatorDocument, env: NodeJS.ProcessEnv) {
  const uid = process.geteuid?.() ?? 0;
  return {
    access: undefined,
    parent: undefined,
    ...DEFAULTS,
    ...document,
    app: document.application,
    flow,
    directory: runtimeDirectory({ env, uid, directory: document.directory }),
    flowDirectory: flowDirectory({ env, uid, directory: document.flowDirectory }),
    security: securityFiles(document, env),
  };
}

type Common = ReturnType<typeof commonOptions>;

function outputOptions(given: Given, common: Common): LocalFlowOptions {
  if (given.connect !== undefined) {
    throw new MirrorflowError('BAD_OPTION', '--connect is for --input: an output is filled by a provider');
  }
  const mayWait = given.port === undefined || given.port === '0';
  const { listen = mayWait ? undefined : 'tcp://127.0.0.1' } = common;
  return {
    ...common,
    direction: 'output',
    type: checkFlowType(common.type ?? 'bytes'),
    bufferSize: wholeNumber(
      'buffer-size',
      required('buffer-size', given['buffer-size']),
      1,
      LIMITS.mappedBytesMax,
    ),
    buffers: wholeNumber('buffers', required('buffers', given.buffers), 1, LIMITS.slotCountMax),
    properties: common.properties ?? {},
    signal: common.signal ?? 'stream',
    serve: listenAddress(listen, given.port),
  };
}

function inputOptions(given: Given, common: Common): MirrorFlowOptions | RemoteFlowOptions {
  const connect = required('connect', given.connect);
  const source = isSiteAddress(connect) ? parseSiteAddress(connect) : sourceAddress(connect, given.port);
  const sourceText = 'server' in source ? formatSiteAddress(source) : formatAddress(source);
  const serve = listenAddress(common.listen, undefined);
  const buffers = wholeNumber('buffers', given.buffers ?? '0', 0, LIMITS.slotCountMax);
  wholeNumber('buffer-size', given['buffer-size'] ?? '0', 0, LIMITS.mappedBytesMax);
  if ('server' in source || source.scheme !== 'spectcl') {
    return {
      ringBytes: undefined,
      ...REMOTE_DEFAULTS,
      ...common,
      direction: 'remote',
      type: common.type === undefined ? undefined : checkFlowType(common.type),
      source,
      sourceText,
      buffers: buffers === 0 ? undefined : buffers,
      serve,
    };
  }
  // A stated interval is kept, unless a share is stated as well.
  const share = common.updateIntervalMs === undefined ? {} : { sourceSharePercent: 0 };
  const settings = { ...MIRROR_DEFAULTS, ...share, ...common };
  return {
    ...settings,
    direction: 'input',
    type: checkFlowType(common.type ?? 'spectra'),
    source,
    sourceText,
    idleIntervalMs: Math.max(settings.updateIntervalMs, settings.idleIntervalMs),
    serve,
  };
}

function waits(env: NodeJS.ProcessEnv): Record<string, number> {
  const stated = Object.entries(WAITS_FROM_ENVIRONMENT).flatMap(([member, variable]) => {
    const text = env[variable];
    return text === undefined || text === '' ? [] : [[member, Number(text)] as const];
  });
  return Object.fromEntries(stated);
}

function listenAddress(
  listen: string | undefined,
  port: string | undefined,
): AddressOf<'tcp' | 'tls'> | undefined {
  if (listen === undefined) return undefined;
  const text = port === undefined ? listen : `${listen}:${port}`;
  return parseAddress(text, { schemes: ['tcp', 'tls'], listening: true });
}

function required(name: keyof Given, text: string | undefined): string {
  if (text !== undefined) return text;
  throw new MirrorflowError('BAD_OPTION', `--${name} is missing`, { option: name });
}

function wholeNumber(name: keyof Given, text: string, min: number, max: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new MirrorflowError(
    'BAD_OPTION',
    `--${name} is ${JSON.stringify(text)}; it must be a whole number from ${min} to ${max}`,
    { option: name },
  );
}
