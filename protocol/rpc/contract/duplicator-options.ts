/**
 * The command line of a duplicator: the arguments of the Smartflow note (flow, size and number of
 * buffers, input or output, the system to connect to, the port to connect to or to listen on), and
 * one JSON document, `--options`, for all else. App servers and tests write it, the duplicator
 * reads it (duplicator/options.ts). Pure.
 */
import { joinAddress, splitAddress } from '../../base/system-and-port.js';
import { MirrorflowError } from '../../base/errors.js';
import {
  boolean,
  name,
  oneOf,
  optional,
  string,
  struct,
  type Schema,
  type TypeOf,
} from '../xml-rpc/schema.js';
import {
  DIRECTORIES,
  FLOW_SETTINGS,
  LINK_SETTINGS,
  LINK_SIGNALS,
  SECURITY_FILES,
  durationMember,
  pathMember,
} from './option-members.js';

/** Any JSON object; XML-RPC has no value for a null in it. */
const properties: Schema<Record<string, unknown>> = {
  type: 'struct',
  doc: 'properties of the type, a JSON object',
  json: { type: 'object' },
  check(value, { method }) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    const message = `${method}: options.properties must be a JSON object, and is ${JSON.stringify(value)}`;
    throw new MirrorflowError('INVALID_PARAMETERS', message);
  },
};

export const DUPLICATOR_MEMBERS = {
  application: name('application'),
  type: optional(string({ maxCharacters: 64, doc: 'the flow type: spectra, bytes, …' })),
  properties: optional(properties),
  signal: optional(oneOf(LINK_SIGNALS)),
  ...FLOW_SETTINGS,
  updateIntervalMs: durationMember('from update to update; 0 is back to back'),
  idleIntervalMs: durationMember('from update to update at most while nothing changes', 1),
  fullIntervalMs: durationMember('after which the whole header is requested again; 0 is never'),
  startTimeoutMs: durationMember('to wait for the source at the start', 1),
  reattachMs: durationMember('to wait for the lossless consumers of a dead predecessor'),
  crc: optional(boolean()),
  listen: optional(
    string({
      maxCharacters: 1024,
      doc: 'where other hosts may fetch the flow from the start on, tcp://HOST[:PORT] or tls://HOST[:PORT]',
    }),
  ),
  parent: pathMember('session socket of the app server'),
  ...LINK_SETTINGS,
  ...SECURITY_FILES,
  ...DIRECTORIES,
};

export const duplicatorDocument = struct(DUPLICATOR_MEMBERS);
export type DuplicatorDocument = TypeOf<typeof duplicatorDocument>;

export interface DuplicatorArguments {
  readonly flow: string;
  /** Bytes of a buffer and buffers of the ring; 0, the default: the source decides. */
  readonly bufferSize?: number | undefined;
  readonly buffers?: number | undefined;
  readonly direction: 'input' | 'output';
  /** Address of the source of an input. */
  readonly source?: string | undefined;
  /** Port that an output listens on with `options.listen`; 0, the default, is any free one. */
  readonly port?: number | undefined;
  readonly options: DuplicatorDocument;
}

/** The words of the command line. Throws BAD_ADDRESS for a source that is not an address. */
export function duplicatorArguments(given: DuplicatorArguments): string[] {
  const { flow, bufferSize = 0, buffers = 0, direction, source, port = 0, options } = given;
  const place =
    direction === 'output'
      ? ['--output', '--port', String(port)]
      : ['--input', ...(source === undefined ? [] : connectArguments(source))];
  const sizes = ['--buffer-size', String(bufferSize), '--buffers', String(buffers)];
  return ['--flow', flow, ...sizes, ...place, '--options', JSON.stringify(options)];
}

/** The address of the source from `--connect` and `--port`. Throws BAD_ADDRESS. */
export { joinAddress as sourceAddress };

function connectArguments(source: string): string[] {
  // Prefix and site stand behind the port.
  if (source.startsWith('nats:')) return ['--connect', source];
  const { system, port } = splitAddress(source);
  return ['--connect', system, '--port', port];
}
