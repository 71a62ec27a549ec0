/** What a provider may choose, checked where it enters. */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { geometryOf } from '../../protocol/flow/flow-file/geometry.js';

export const OUTPUT_POLICIES = ['block', 'overwrite', 'drop', 'grow'] as const;

export interface OutputFlowOptions {
  /** Bytes of one buffer, 1 to what two of them leave below 2^31. */
  readonly bufferSize: number;
  /** Buffers of the ring, 2 to 2^20. Default 16. */
  readonly buffers?: number;
  /** Flow type. Default `bytes`. */
  readonly type?: string;
  /** Properties of the type, plain JSON. */
  readonly properties?: Readonly<Record<string, unknown>>;
  /** What `write` does when the ring is full. Default `block`. */
  readonly whenFull?: (typeof OUTPUT_POLICIES)[number];
  /**
   * Buffers that may wait on this side: for `overwrite` (default 2) and, as the limit, for `grow`
   * (must be given).
   */
  readonly queue?: number;
  /**
   * Milliseconds, 1 to a day: a lossless consumer that holds this provider back and acknowledges
   * nothing for so long becomes lossy, and both are told by `demoted`. Also a consumer that is
   * paused. 0: never. Default: what the application states, else never.
   */
  readonly stallTimeoutMs?: number;
}

export interface OutputRules {
  readonly bufferSize: number;
  readonly buffers: number;
  readonly whenFull: (typeof OUTPUT_POLICIES)[number];
  readonly queue: number;
  readonly stallTimeoutMs: number | undefined;
}

const DEFAULT_BUFFERS = 16;
const DEFAULT_QUEUE = 2;
const QUEUE_MAX = 1_000_000;
const DAY_MS = 86_400_000;

/** Throws BAD_OPTION or TOO_LARGE with what was given and what is allowed. */
export function checkOutputOptions(options: OutputFlowOptions): OutputRules {
  const { bufferSize, buffers = DEFAULT_BUFFERS, whenFull = 'block' } = options;
  geometryOf(buffers, bufferSize);
  if (!OUTPUT_POLICIES.includes(whenFull)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `whenFull is ${JSON.stringify(whenFull)}; it must be one of ${OUTPUT_POLICIES.join(', ')}`,
    );
  }
  if (whenFull === 'grow' && options.queue === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      'whenFull is grow: say in `queue` how many buffers may wait at most',
    );
  }
  const { queue = DEFAULT_QUEUE } = options;
  if (!Number.isInteger(queue) || queue < 1 || queue > QUEUE_MAX) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `queue is ${queue}; it must be a whole number from 1 to ${QUEUE_MAX}`,
    );
  }
  const { stallTimeoutMs } = options;
  if (
    stallTimeoutMs !== undefined &&
    !(stallTimeoutMs === 0 || (stallTimeoutMs >= 1 && stallTimeoutMs <= DAY_MS))
  ) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `stallTimeoutMs is ${stallTimeoutMs}; it must be milliseconds from 1 to ${DAY_MS}, or 0 for never`,
    );
  }
  return { bufferSize, buffers, whenFull, queue, stallTimeoutMs };
}
