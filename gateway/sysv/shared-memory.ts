/**
 * The mirror as System V shared memory, for viewers that attach by key: made when the first
 * publication is there, filled, kept up to date, and taken away in the end. What a killed
 * predecessor left is taken over, so that viewers that are attached go on.
 */
import { describeError } from '../../protocol/base/errors.js';
import type { ClaimedGatewayRecord } from '../../protocol/host/gateway-record.js';
import type { Logger } from '../../protocol/base/log.js';
import { ownIdentity } from '../../protocol/base/owner-identity.js';
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
import { bringUpToDate } from './segment-image.js';

export interface SharedMemoryOptions {
  readonly application: string;
  /** The one key that is wanted; otherwise the first free one of SpecTcl's kind. */
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
  #held: { readonly segment: Segment; readonly record: SegmentRecord } | undefined;
  #size = 0;
  #notBeforeMs = 0;

  /** `leftover`: what a dead predecessor has made, from its record. */
  constructor(options: SharedMemoryOptions, leftover: SegmentRecord | undefined) {
    this.#options = options;
    this.#leftover = leftover;
    const library = sysvLibrary();
    if (library.kind === 'missing') {
      options.log.warn('no shared memory by key', { reason: library.reason });
      this.#notBeforeMs = Infinity;
    }
  }

  /** The key, once a whole publication stands in the memory. */
  get key(): string | undefined {
    return this.#held?.segment.key;
  }

  /**
   * Shows a publication: `memory` is the whole of it, `bytes` what the display memory has in all.
   * Never throws.
   */
  show(memory: Buffer, bytes: number): void {
    if (this.#held !== undefined && this.#held.segment.memory.byteLength < bytes) this.#remove();
    if (this.#held === undefined && performance.now() >= this.#notBeforeMs) this.#make(bytes);
    if (this.#held === undefined) return;
    bringUpToDate(this.#held.segment.memory, memory, this.#size);
    this.#size = memory.byteLength;
  }

  /** Takes the key away; viewers that are attached keep what they see. Idempotent. */
  close(): void {
    this.#remove();
    if (this.#leftover !== undefined && isLeftover(this.#leftover)) {
      removeSegment(this.#leftover.key, this.#leftover.creator.pid);
      this.#options.record.holds(undefined);
    }
    this.#leftover = undefined;
  }

  #make(bytes: number): void {
    const { application, key, mode, record, log } = this.#options;
    try {
      this.#held = this.#takeOver(bytes);
      if (this.#held !== undefined) {
        this.#size = this.#held.segment.memory.byteLength;
        log.info('shared memory taken over', { key: this.#held.segment.key, bytes });
        return;
      }
      const creator = ownIdentity();
      const segment = createSegment(key === undefined ? keysFor(application) : [key], bytes, mode, (wanted) =>
        record.holds({ key: wanted, creator }),
      );
      this.#held = { segment, record: { key: segment.key, creator } };
      this.#size = 0;
      log.info('shared memory made', { key: segment.key, bytes, mode: mode.toString(8) });
    } catch (error) {
      this.#notBeforeMs = performance.now() + RETRY_AFTER_MS;
      log.error('no shared memory by key', { error: describeError(error) });
    }
  }

  #takeOver(bytes: number): { readonly segment: Segment; readonly record: SegmentRecord } | undefined {
    const found = this.#leftover;
    this.#leftover = undefined;
    if (found === undefined || !isLeftover(found)) return undefined;
    const { key } = this.#options;
    if (key === undefined || key === found.key) {
      try {
        return { segment: attachSegment(found.key, bytes, 'read-write'), record: found };
      } catch (error) {
        this.#options.log.info('left shared memory is made anew', { key: found.key, error });
      }
    }
    removeSegment(found.key, found.creator.pid);
    return undefined;
  }

  #remove(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    removeSegment(held.record.key, held.record.creator.pid);
    held.segment.detach();
    this.#options.record.holds(undefined);
  }
}
