/**
 * Options of an output flow, and their check before anything is opened. Used by `openOutput`.
 * Pure: no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkOptionNames, showValue } from '../call-options.js';
import { checkSignal } from '../link/link-choice.js';
import { LINK_SIGNALS, type LinkSignal } from '../../protocol/rpc/contract/option-members.js';
import { geometryOf } from '../../protocol/flow/flow-file/geometry.js';

export const OUTPUT_POLICIES = ['block', 'overwrite', 'drop', 'grow'] as const;

/** Options of `client.openOutput`. */
export interface OutputFlowOptions {
  /** Bytes of one buffer, from 1; two buffers and the header must stay below 2^31 bytes. */
  readonly bufferSize: number;
  /** Slots of the ring, 2 to 2^20. Default 16. */
  readonly buffers?: number;
  /** Flow type. Default `bytes`. */
  readonly type?: string;
  /** Properties of the type, plain JSON. */
  readonly properties?: Readonly<Record<string, unknown>>;
  /** What `write` does when the ring is full. Default `block`. */
  readonly whenFull?: (typeof OUTPUT_POLICIES)[number];
  /**
   * Most buffers that wait in this process while the ring is full: for `overwrite` (default 2) and
   * for `grow` (required).
   */
  readonly queue?: number;
  /**
   * Milliseconds, 1 to a day: a lossless consumer, paused or not, that holds this provider back and
   * acknowledges nothing for so long becomes lossy; both sides emit `demoted`. 0: never. Default:
   * the application's setting, else never.
   */
  readonly stallTimeoutMs?: number;
  /**
   * How clients and the duplicator exchange counts, part of the flow's definition. `stream`: over a
   * connection for each client. `datagram`: also over datagrams, with one socket for all flows of a
   * client; used by this provider, and by inline consumers in main threads, of the duplicator's
   * user. Default: as the flow is defined, else `stream`.
   */
  readonly signal?: LinkSignal;
}

/** Names of all options, for the check. */
export const OUTPUT_OPTIONS = [
  'bufferSize',
  'buffers',
  'type',
  'properties',
  'whenFull',
  'queue',
  'stallTimeoutMs',
  'signal',
] as const satisfies readonly (keyof OutputFlowOptions)[];

export interface OutputRules {
  readonly bufferSize: number;
  readonly buffers: number;
  readonly type: string;
  /** JSON. */
  readonly properties: string;
  readonly whenFull: (typeof OUTPUT_POLICIES)[number];
  readonly queue: number;
  readonly stallTimeoutMs: number | undefined;
  readonly signal: LinkSignal | undefined;
}

const DEFAULT_BUFFERS = 16;
const DEFAULT_QUEUE_BUFFERS = 2;
const QUEUE_MAX = 1_000_000;
const DAY_MS = 86_400_000;

/** Throws BAD_OPTION or TOO_LARGE with the value and what is allowed. */
export function checkOutputOptions(options: OutputFlowOptions): OutputRules {
  checkOptionNames('openOutput', options, OUTPUT_OPTIONS);
  const { bufferSize, buffers = DEFAULT_BUFFERS, whenFull = 'block', type = 'bytes' } = options;
  geometryOf(buffers, bufferSize);
  if (!OUTPUT_POLICIES.includes(whenFull)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `whenFull is ${showValue(whenFull)}; it must be one of ${OUTPUT_POLICIES.join(', ')}`,
    );
  }
  if (whenFull === 'grow' && options.queue === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      'whenFull is grow and queue is undefined; set queue to the most buffers that may wait',
    );
  }
  const { queue = DEFAULT_QUEUE_BUFFERS } = options;
  if (!Number.isInteger(queue) || queue < 1 || queue > QUEUE_MAX) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `queue is ${showValue(queue)}; it must be a whole number from 1 to ${QUEUE_MAX}`,
    );
  }
  const { stallTimeoutMs } = options;
  if (
    stallTimeoutMs !== undefined &&
    !(stallTimeoutMs === 0 || (stallTimeoutMs >= 1 && stallTimeoutMs <= DAY_MS))
  ) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `stallTimeoutMs is ${showValue(stallTimeoutMs)}; it must be milliseconds from 1 to ${DAY_MS}, or 0 for never`,
    );
  }
  if (typeof type !== 'string') {
    throw new MirrorflowError(
      'BAD_OPTION',
      `type is ${showValue(type)}; it must be the name of a flow type, or a flow type such as json()`,
      { option: 'type' },
    );
  }
  const { signal } = options;
  if (signal !== undefined && !LINK_SIGNALS.includes(signal)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `signal is ${showValue(signal)}; it must be one of ${LINK_SIGNALS.join(', ')}`,
      { option: 'signal' },
    );
  }
  checkSignal(signal);
  const properties = jsonOf(options.properties ?? {});
  return { bufferSize, buffers, type, properties, whenFull, queue, stallTimeoutMs, signal };
}

function jsonOf(properties: unknown): string {
  try {
    if (typeof properties === 'object' && properties !== null && !Array.isArray(properties))
      return JSON.stringify(properties);
  } catch {
    // a cycle or a BigInt: refused below
  }
  throw new MirrorflowError(
    'BAD_OPTION',
    `properties are ${showValue(properties)}; they must be an object of plain JSON`,
    { option: 'properties' },
  );
}
