/**
 * The shapes of writing one buffer: a reserved slot of the flow file and the options of waiting and
 * committing, with their checks. Implemented by RingSlot and OutputFlow, part of the public
 * surface. Pure: no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkOptionNames, showValue } from '../call-options.js';

const FLAGS_MAX = 0xffff;
/** The timestamp of a slot has 64 bits. */
const TIMESTAMP_END_NS = 2 ** 64;

/** How long a free buffer is waited for. */
export interface WaitOptions {
  /** Aborting it rejects with CLOSED; the signal's reason is the cause. */
  readonly signal?: AbortSignal;
}

/** What is stated about a buffer when it is committed. */
export interface CommitOptions {
  /**
   * Wall-clock nanoseconds since 1970, kept to 256 ns. Default: the time of the first commit of
   * this turn of the event loop.
   */
  readonly timestampNs?: number;
  /** 0 to 65,535; meaning defined by the flow type. */
  readonly flags?: number;
}

/**
 * A reserved slot: the provider's until it is committed or abandoned, and not to be used after
 * that. Several slots may be reserved at a time; their buffers are published in the order of
 * reservation, whatever the order of the commits.
 */
export interface OutputSlot {
  /**
   * The whole payload area, in the mapped file: `bufferSize` bytes, the provider's until `commit`.
   * It holds the payload of an earlier buffer.
   */
  readonly data: Buffer;
  /**
   * Gives the first `size` bytes to the consumers, at the latest at the end of this turn of the
   * event loop in which all slots that were reserved before are committed or abandoned. Throws
   * TOO_LARGE; BAD_OPTION for a wrong size or option, and for a slot that was committed or
   * abandoned already; CLOSED.
   */
  commit(size: number, options?: CommitOptions): void;
  /**
   * Gives the slot back: nothing is published, and the sequences of the flow have no gap. Throws
   * BAD_OPTION for a slot that was committed or abandoned already.
   */
  abandon(): void;
}

/** Throws TOO_LARGE or BAD_OPTION unless `size` bytes can be committed. */
export function checkSize(size: number, capacity: number): void {
  if (Number.isInteger(size) && size >= 0 && size <= capacity) return;
  if (typeof size === 'number' && size > capacity) {
    throw new MirrorflowError('TOO_LARGE', `${size} bytes do not fit a buffer of ${capacity}`, {
      bytes: size,
      capacity,
    });
  }
  throw new MirrorflowError(
    'BAD_OPTION',
    `the size to commit is ${showValue(size)}; it must be a whole number of bytes from 0 to ${capacity}`,
    { option: 'size' },
  );
}

/** Throws BAD_OPTION with the value and what is allowed. */
export function checkCommitOptions(options: CommitOptions): void {
  checkOptionNames('commit', options, ['timestampNs', 'flags']);
  const { timestampNs, flags } = options;
  if (flags !== undefined && !(Number.isInteger(flags) && flags >= 0 && flags <= FLAGS_MAX)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `flags is ${showValue(flags)}; it must be a whole number from 0 to ${FLAGS_MAX}`,
      { option: 'flags' },
    );
  }
  if (
    timestampNs !== undefined &&
    !(typeof timestampNs === 'number' && timestampNs >= 0 && timestampNs < TIMESTAMP_END_NS)
  ) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `timestampNs is ${showValue(timestampNs)}; it must be nanoseconds since 1970, from 0 to below 2^64`,
      { option: 'timestampNs' },
    );
  }
}
