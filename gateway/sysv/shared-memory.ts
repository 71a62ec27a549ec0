/**
 * The mirror as System V shared memory, for viewers that attach by key.
 *
 * `gateway.ts` owns one and passes it each publication. It creates the segment with the first one,
 * updates it in place and removes it at the end. The segment of a killed predecessor is taken over,
 * so that attached viewers continue.
 */
import { describeError } from '../../protocol/base/errors.js';
import { changedRanges } from '../../protocol/flow/flow-file/image.js';
import type { ClaimedGatewayRecord } from '../../protocol/host/gateway-record.js';
import type { Logger } from '../../protocol/base/log.js';
import { ownIdentity } from '../../protocol/base/owner-identity.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import { updateDisplay } from '../../protocol/spectcl/display-update.js';
import { sysvLibrary } from '../../protocol/spectcl/sysv/library.js';
import { keysFor } from '../../protocol/spectcl/sysv/memory-key.js';
import {
  attachSegment,
  createSegment,
  isLeftover,
  removeSegment,
  type Segment,
  type SegmentRecord,
} from '../../protocol/spectcl/sysv/segment.js';

export interface SharedMemoryOptions {
  readonly application: string;
  /** The key to use; undefined for the first free one of SpecTcl's kind. */
  readonly key: string | undefined;
  /** Permission bits. */
  readonly mode: number;
  readonly record: ClaimedGatewayRecord;
  readonly log: Logger;
}

const RETRY_AFTER_MS = 10_000;

export class SharedMemory {
  readonly #options: SharedMemoryOptions;
  #leftover: SegmentRecord | undefined;
  #current: { readonly segment: Segment; readonly record: SegmentRecord } | undefined;
  #size = 0;
  #retryAtMs = 0;

  /** `leftover` is the segment of a dead predecessor, from its record. */
  constructor(options: SharedMemoryOptions, leftover: SegmentRecord | undefined) {
    this.#options = options;
    this.#leftover = leftover;
    const library = sysvLibrary();
    if (library.kind === 'missing') {
      options.log.warn('no shared memory by key', { reason: library.reason });
      this.#retryAtMs = Infinity;
    }
  }

  /** The key, once the memory holds a complete publication. */
  get key(): string | undefined {
    return this.#current?.segment.key;
  }

  /**
   * Writes a publication into the segment. `memory` is the complete publication, `bytes` the size
   * of the display memory. Never throws: errors are logged and retried later.
   */
  update(memory: Buffer, bytes: number): void {
    if (this.#current !== undefined && this.#current.segment.memory.byteLength < bytes) this.#remove();
    if (this.#current === undefined && performance.now() >= this.#retryAtMs) this.#create(bytes);
    if (this.#current === undefined) return;
    updateSegment(this.#current.segment.memory, memory, this.#size);
    this.#size = memory.byteLength;
  }

  /** Removes the segment's key; attached viewers keep the last data. Idempotent. */
  close(): void {
    this.#remove();
    if (this.#leftover !== undefined && isLeftover(this.#leftover)) {
      removeSegment(this.#leftover.key, this.#leftover.creator.pid);
      this.#options.record.setSegment(undefined);
    }
    this.#leftover = undefined;
  }

  #create(bytes: number): void {
    const { application, key, mode, record, log } = this.#options;
    try {
      this.#current = this.#takeOver(bytes);
      if (this.#current !== undefined) {
        this.#size = this.#current.segment.memory.byteLength;
        log.info('shared memory taken over', { key: this.#current.segment.key, bytes });
        return;
      }
      const creator = ownIdentity();
      const segment = createSegment(
        key === undefined ? keysFor(application) : [key],
        bytes,
        mode,
        (candidate) => record.setSegment({ key: candidate, creator }),
      );
      this.#current = { segment, record: { key: segment.key, creator } };
      this.#size = 0;
      log.info('shared memory created', { key: segment.key, bytes, mode: mode.toString(8) });
    } catch (error) {
      this.#retryAtMs = performance.now() + RETRY_AFTER_MS;
      log.error('no shared memory by key', { error: describeError(error) });
    }
  }

  #takeOver(bytes: number): { readonly segment: Segment; readonly record: SegmentRecord } | undefined {
    const leftover = this.#leftover;
    this.#leftover = undefined;
    if (leftover === undefined || !isLeftover(leftover)) return undefined;
    const { key } = this.#options;
    if (key === undefined || key === leftover.key) {
      try {
        return { segment: attachSegment(leftover.key, bytes, 'read-write'), record: leftover };
      } catch (error) {
        this.#options.log.info('shared memory of the predecessor is replaced', { key: leftover.key, error });
      }
    }
    removeSegment(leftover.key, leftover.creator.pid);
    return undefined;
  }

  #remove(): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    removeSegment(current.record.key, current.record.creator.pid);
    current.segment.detach();
    this.#options.record.setSegment(undefined);
  }
}

/**
 * Updates `image` in place to `next`, in the order that readers without a lock need.
 * @param previousSize bytes of the previous publication; those beyond `next` become zero
 */
export function updateSegment(image: Buffer, next: Buffer, previousSize: number): void {
  updateDisplay(image, next, changedRanges(image, next, 0, next.byteLength));
  if (previousSize > next.byteLength) {
    image.fill(0, Math.max(next.byteLength, DISPLAY_HEADER_BYTES), Math.min(previousSize, image.byteLength));
  }
}
