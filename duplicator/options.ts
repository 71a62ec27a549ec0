/**
 * The duplicator's command line, checked: the Smartflow arguments (flow, buffer size, buffers,
 * direction, where to connect) and its surroundings.
 */
import { parseAccess, type AccessOptions } from '../protocol/rpc/contract/access-options.js';
import { parseAddress, type AddressOf } from '../protocol/base/address.js';
import { flowDirectory, runtimeDirectory } from '../protocol/base/paths.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { LIMITS } from '../protocol/base/limits.js';
import { checkFlowType, checkName } from '../protocol/base/names.js';
import { helpOfTable, readOptionTable, type OptionTable } from '../protocol/host/process-kit/option-table.js';
import { REATTACH_MS } from './recovery/reattach-gate.js';
import { securityFiles, type SecurityFiles } from '../protocol/rpc/security/options.js';

/** What every flow needs. */
interface CommonOptions {
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
  /** Who may read and provide beside the owner; undefined for its group, which reads. */
  readonly access: AccessOptions | undefined;
  /** Session socket of the app server; undefined when run by hand. */
  readonly parent: string | undefined;
  readonly directory: string;
  readonly flowDirectory: string;
  /**
   * Where other hosts may fetch the flow, from the start on; undefined until the app server says
   * it.
   */
  readonly serve: AddressOf<'tcp' | 'tls'> | undefined;
  /**
   * What proves this host to others and others to it; without a secret the flow stays on this host.
   */
  readonly security: SecurityFiles;
}

/** A flow that a local provider fills. */
export interface LocalFlowOptions extends CommonOptions {
  readonly direction: 'output';
  readonly type: string;
  readonly bufferSize: number;
  readonly buffers: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A flow that is filled from a SpecTcl. */
export interface MirrorFlowOptions extends CommonOptions {
  readonly direction: 'input';
  readonly type: string;
  readonly source: AddressOf<'spectcl'>;
  readonly sourceText: string;
  /** From request to request; the longest such time where the interval follows the source. */
  readonly updateIntervalMs: number;
  /** Share of the source's time at which the interval aims, 0 to 1; 0: it does not follow it. */
  readonly sourceShare: number;
  readonly idleIntervalMs: number;
  readonly fullIntervalMs: number;
  readonly startTimeoutMs: number;
  /** Memory budget of the ring, bytes. */
  readonly ringBytes: number;
}

/**
 * A flow that another host's duplicator sends: type, properties and size of its buffers come from
 * there.
 */
export interface RemoteFlowOptions extends CommonOptions {
  readonly direction: 'remote';
  /** The type that is expected; undefined for whatever comes. */
  readonly type: string | undefined;
  readonly source: AddressOf<'tcp' | 'tls'>;
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

const DEFAULT_UPDATE_INTERVAL_MS = 100;
const DEFAULT_SOURCE_SHARE_PERCENT = 5;
const DEFAULT_IDLE_INTERVAL_MS = 500;
const DEFAULT_FULL_INTERVAL_MS = 60_000;
const DEFAULT_START_TIMEOUT_MS = 800;
const DEFAULT_LINGER_MS = 30_000;
/** Connecting over a network and three messages of a handshake. */
const DEFAULT_REMOTE_START_TIMEOUT_MS = 5_000;
export const DEFAULT_RING_BYTES = 48 * 1024 * 1024;
const DAY_MS = 86_400_000;
/** Waits that a slow machine may make longer for all duplicators at once. */
const WAITS_FROM_ENVIRONMENT: Readonly<Record<string, string>> = {
  'start-timeout': 'MIRRORFLOW_START_TIMEOUT',
  reattach: 'MIRRORFLOW_REATTACH',
};

const TABLE = {
  app: { value: 'NAME', help: 'application' },
  flow: { value: 'NAME', help: 'flow' },
  direction: { value: 'input|output', help: 'filled from --connect or --source (input), or by a local provider' },
  connect: { value: 'ADDRESS', help: 'SpecTcl that a mirror is filled from' },
  source: { value: 'ADDRESS', help: 'duplicator of another host that the flow is filled from; needs a secret' },
  type: { value: 'TYPE', help: 'flow type (spectra, bytes)' },
  properties: { value: 'JSON', help: 'properties of the type' },
  'buffer-size': { value: 'BYTES', help: 'longest buffer of an output flow' },
  buffers: { value: 'N', help: 'buffers of the ring; with --source as many as there' },
  'ring-bytes': { value: 'N', help: `memory budget of the ring, bytes (${DEFAULT_RING_BYTES}; with --source as there)` },
  'update-interval': { value: 'MS', help: `from update to update; 0 is back to back (as --source-share gives, at most ${DEFAULT_UPDATE_INTERVAL_MS})` },
  'source-share': {
    value: 'PERCENT',
    help: `share of the source's time that updates take; sets the interval, --update-interval is the longest (${DEFAULT_SOURCE_SHARE_PERCENT}; with --update-interval 0: fixed)`,
  },
  'idle-interval': { value: 'MS', help: `longest interval while nothing changes (${DEFAULT_IDLE_INTERVAL_MS})` },
  'full-interval': { value: 'MS', help: `ask for the whole header this often; 0 is never (${DEFAULT_FULL_INTERVAL_MS})` },
  'start-timeout': {
    value: 'MS',
    help: `longest wait for the source at the start (${DEFAULT_START_TIMEOUT_MS}; with --source ${DEFAULT_REMOTE_START_TIMEOUT_MS})`,
  },
  linger: { value: 'MS', help: `how long to stay without a client (${DEFAULT_LINGER_MS})` },
  reattach: { value: 'MS', help: `longest wait for the lossless consumers of a dead predecessor (${REATTACH_MS})` },
  'stall-timeout': { value: 'MS', help: 'a lossless consumer that holds the flow back for so long becomes lossy; 0 is never (0)' },
  access: { value: 'JSON', help: 'who may read and provide: mode, group, readers, providers' },
  crc: { help: 'with --source: every buffer travels with a checksum' },
  serve: { value: 'ADDRESS', help: 'where other hosts may fetch the flow, tcp://HOST:PORT or tls://HOST:PORT; needs a secret' },
  'secret-file': { value: 'FILE', help: 'the secret that this host shares with others' },
  'tls-cert': { value: 'FILE', help: 'certificate that this host shows over TLS' },
  'tls-key': { value: 'FILE', help: 'its key' },
  'tls-ca': { value: 'FILE', help: 'certificates that other hosts are trusted by' },
  parent: { value: 'PATH', help: 'session socket of the app server' },
  directory: { value: 'DIR', help: 'runtime directory' },
  'flow-dir': { value: 'DIR', help: 'where flow files are kept' },
} as const satisfies OptionTable; // prettier-ignore

type OptionName = keyof typeof TABLE;
/** An option's text; undefined when it was not given. */
type Texts = (name: OptionName) => string | undefined;

export function duplicatorHelp(): string {
  const usage = [
    'duplicator --app NAME --flow NAME --direction input --connect spectcl://HOST?rest=PORT&mirror=PORT',
    'duplicator --app NAME --flow NAME --direction output --buffer-size BYTES --buffers N',
    'duplicator --app NAME --flow NAME --direction input --source tcp://HOST:PORT|tls://HOST:PORT --secret-file FILE',
  ];
  return helpOfTable(usage, TABLE);
}

/** Throws BAD_OPTION, BAD_NAME or BAD_ADDRESS naming the option. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): DuplicatorOptions {
  const values = readOptionTable(TABLE, args);
  const text: Texts = (name) => {
    const value = values[name] ?? env[WAITS_FROM_ENVIRONMENT[name] ?? ''];
    return typeof value === 'string' ? value : undefined;
  };
  const direction = text('direction') ?? 'input';
  const uid = process.geteuid?.() ?? 0;
  const common = {
    app: checkName('application', required(text, 'app')),
    flow: checkName('flow', required(text, 'flow')),
    lingerMs: number(text, 'linger', DEFAULT_LINGER_MS, 0, DAY_MS),
    reattachMs: number(text, 'reattach', REATTACH_MS, 0, DAY_MS),
    access: text('access') === undefined ? undefined : parseAccess('--access', required(text, 'access')),
    stallTimeoutMs: number(text, 'stall-timeout', 0, 0, DAY_MS),
    parent: text('parent'),
    directory: runtimeDirectory({ env, uid, directory: text('directory') }),
    flowDirectory: flowDirectory({ env, uid, directory: text('flow-dir') }),
    serve:
      text('serve') === undefined
        ? undefined
        : parseAddress(text('serve'), { schemes: ['tcp', 'tls'], listening: true }),
    security: securityFiles(
      {
        secretFile: text('secret-file'),
        tlsCert: text('tls-cert'),
        tlsKey: text('tls-key'),
        tlsCa: text('tls-ca'),
      },
      env,
    ),
  };
  if (direction === 'output') {
    return {
      ...common,
      direction,
      type: checkFlowType(text('type') ?? 'bytes'),
      bufferSize: whole(text, 'buffer-size', LIMITS.mappedBytes),
      buffers: whole(text, 'buffers', LIMITS.slotCountMax),
      properties: json(text, 'properties'),
    };
  }
  if (direction !== 'input')
    throw bad(
      'direction',
      direction,
      'input (filled from --connect or --source) or output (filled by a local provider)',
    );
  const remote = text('source');
  if (remote !== undefined) return { ...common, ...remoteOptions(text, remote, values.crc === true) };
  const sourceText = required(text, 'connect');
  const updateIntervalMs = number(text, 'update-interval', DEFAULT_UPDATE_INTERVAL_MS, 0, DAY_MS);
  return {
    ...common,
    direction,
    type: checkFlowType(text('type') ?? 'spectra'),
    source: parseAddress(sourceText, { schemes: ['spectcl'] }),
    sourceText,
    updateIntervalMs,
    sourceShare:
      number(
        text,
        'source-share',
        text('update-interval') === undefined ? DEFAULT_SOURCE_SHARE_PERCENT : 0,
        0,
        100,
      ) / 100,
    idleIntervalMs: Math.max(
      updateIntervalMs,
      number(text, 'idle-interval', DEFAULT_IDLE_INTERVAL_MS, 1, DAY_MS),
    ),
    fullIntervalMs: number(text, 'full-interval', DEFAULT_FULL_INTERVAL_MS, 0, DAY_MS),
    startTimeoutMs: number(text, 'start-timeout', DEFAULT_START_TIMEOUT_MS, 1, DAY_MS),
    ringBytes: number(text, 'ring-bytes', DEFAULT_RING_BYTES, 0, LIMITS.mappedBytes),
  };
}

function remoteOptions(
  text: Texts,
  sourceText: string,
  crc: boolean,
): Omit<RemoteFlowOptions, keyof CommonOptions> {
  if (text('connect') !== undefined)
    throw new MirrorflowError(
      'BAD_OPTION',
      '--connect and --source cannot both be given: a flow has one source',
    );
  const type = text('type');
  return {
    direction: 'remote',
    type: type === undefined ? undefined : checkFlowType(type),
    source: parseAddress(sourceText, { schemes: ['tcp', 'tls'] }),
    sourceText,
    buffers: text('buffers') === undefined ? undefined : whole(text, 'buffers', LIMITS.slotCountMax),
    ringBytes:
      text('ring-bytes') === undefined ? undefined : number(text, 'ring-bytes', 0, 0, LIMITS.mappedBytes),
    crc,
    startTimeoutMs: number(text, 'start-timeout', DEFAULT_REMOTE_START_TIMEOUT_MS, 1, DAY_MS),
  };
}

function required(text: Texts, name: OptionName): string {
  const given = text(name);
  if (given === undefined) throw new MirrorflowError('BAD_OPTION', `--${name} is missing`, { option: name });
  return given;
}

function number(text: Texts, name: OptionName, fallback: number, min: number, max: number): number {
  const given = text(name);
  if (given === undefined) return fallback;
  const value = given.trim() === '' ? Number.NaN : Number(given);
  if (!Number.isFinite(value) || value < min || value > max)
    throw bad(name, given, `a number from ${min} to ${max}`);
  return value;
}

function whole(text: Texts, name: OptionName, max: number): number {
  const given = required(text, name);
  const value = number(text, name, Number.NaN, 1, max);
  if (!Number.isInteger(value)) throw bad(name, given, `a whole number from 1 to ${max}`);
  return value;
}

function json(text: Texts, name: OptionName): Record<string, unknown> {
  const given = text(name) ?? '{}';
  try {
    const value: unknown = JSON.parse(given);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // told below, with everything else that is no object
  }
  throw bad(name, given.slice(0, 80), 'a JSON object');
}

function bad(name: string, found: string, wanted: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', `--${name} is ${JSON.stringify(found)}; it must be ${wanted}`, {
    option: name,
  });
}
