/**
 * The way of buffers into an output flow's ring: reservations, writes by the policy for a full
 * ring, commits in the order of reservation, and what waits on this side for room. Used by
 * OutputFlow, which decides when the flow is open and which attachment is current. Writes the
 * mapped file and sends on the link through the attachment.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { abortedError } from '../call-options.js';
import { CommitTurn, nowNs } from './commit-turn.js';
import type { OutputRules } from './output-options.js';
import { checkCommitOptions, checkSize, type CommitOptions } from './output-slot.js';
import type { ProviderAttachment } from './provider-attachment.js';
import type { RingSlot, SlotOwner } from './ring-slot.js';
import { WriteBacklog } from './write-backlog.js';
import { WriterQueue } from './writer-queue.js';

/**
 * What a write puts into a slot: bytes, or a function that writes them and returns their number.
 */
export type Content = Uint8Array | ((target: Uint8Array) => number);

/** Found once: finding it behind the prototypes of a Buffer takes longer than a small copy. */
const setBytes = Uint8Array.prototype.set;

export class OutputBuffers implements SlotOwner {
  readonly #rules: OutputRules;
  /** Throws CLOSED unless the flow is open. */
  readonly #checkOpen: () => void;
  #attachment!: ProviderAttachment;
  /** Writes and reservations that wait for room in the ring. */
  readonly #writers = new WriterQueue();
  /** Buffers that wait on this side for room in the ring. */
  readonly #backlog = new WriteBacklog();
  readonly #turn: CommitTurn;
  /** Completed in the rings of attachments that have ended. */
  readonly #written = { buffers: 0, bytes: 0 };
  #lost = 0;

  /** `onTurnEnd`: called at the end of a turn with commits, which are to be published. */
  constructor(rules: OutputRules, checkOpen: () => void, onTurnEnd: () => void) {
    this.#rules = rules;
    this.#checkOpen = checkOpen;
    this.#turn = new CommitTurn(onTurnEnd);
  }

  /**
   * Buffers go to this attachment from now on. What was published in a file which its duplicator
   * had left already is published again.
   */
  attach(attachment: ProviderAttachment): void {
    const before = this.#attachment as ProviderAttachment | undefined;
    this.#attachment = attachment;
    if (before === undefined || before.epoch !== attachment.epoch) return;
    const missing = before.ring.publishedFrom(attachment.ring.next);
    this.#written.buffers -= missing.length;
    for (const { bytes } of missing) this.#written.bytes -= bytes.length;
    this.#backlog.repeat(missing);
  }

  /** Buffers that a policy dropped or replaced before they were published. */
  get lost(): number {
    return this.#lost;
  }

  get written(): { readonly buffers: number; readonly bytes: number } {
    const { buffers, bytes } = this.#written;
    const { end, ring } = this.#attachment;
    if (end !== undefined) return { buffers, bytes };
    return { buffers: buffers + ring.written.buffers, bytes: bytes + ring.written.bytes };
  }

  /** Buffers that wait on this side for room in the ring. */
  get queued(): number {
    return this.#backlog.length;
  }

  /** The next slot; undefined without credit, or while other writers wait. */
  reserveNow(): RingSlot | undefined {
    return this.#writers.length === 0 && this.#backlog.isEmpty ? this.#reserve() : undefined;
  }

  /** The next slot, when its turn has come. Rejects with CLOSED. */
  reserve(signal: AbortSignal | undefined): Promise<RingSlot> {
    const reserve = (): RingSlot | undefined => (this.#backlog.isEmpty ? this.#reserve() : undefined);
    return this.#inTurn(reserve, signal, true);
  }

  /**
   * Writes one buffer, by the policy where there is no room. False when the policy dropped or
   * replaced a buffer.
   */
  write(content: Content, signal: AbortSignal | undefined): boolean | Promise<boolean> {
    const { whenFull, queue } = this.#rules;
    const backlog = this.#backlog;
    if (this.#writers.length === 0 && backlog.isEmpty && this.#put(content)) return true;
    if (whenFull === 'block')
      return this.#inTurn(() => (backlog.isEmpty && this.#put(content) ? true : undefined), signal);
    const bytes = this.#copyOf(content);
    if (whenFull === 'drop') {
      this.#lost += 1;
      return false;
    }
    if (this.#writers.length === 0 && backlog.queued < queue) {
      backlog.push(bytes, nowNs());
      return true;
    }
    if (whenFull === 'overwrite') {
      backlog.replaceNewest(bytes, nowNs());
      this.#lost += 1;
      return false;
    }
    return this.#inTurn(() => {
      if (backlog.isEmpty && this.#put(bytes)) return true;
      if (backlog.queued >= queue) return undefined;
      backlog.push(bytes, nowNs());
      return true;
    }, signal);
  }

  /** A program commits its slot. */
  commit(slot: RingSlot, size: number, options: CommitOptions | undefined): void {
    const { ring, isOpen } = this.#attachment;
    // What each buffer passes through: small enough to be compiled as one.
    if (isOpen && slot.ring === ring && slot.state === 'reserved' && options === undefined) {
      if ((size | 0) !== size || size < 0 || size > slot.data.length) checkSize(size, slot.data.length);
      const turn = this.#turn;
      if (!turn.isOpen) turn.begin();
      if (ring.commit(slot, size, turn.startedNs, 0)) this.flush();
    } else this.#commitOther(slot, size, options);
  }

  /** A commit with options, or of a slot that is not in the ring, or a wrong one. */
  #commitOther(slot: RingSlot, size: number, options: CommitOptions | undefined): void {
    this.#checkOpen();
    checkReserved(slot);
    checkSize(size, slot.data.length);
    if (options !== undefined) checkCommitOptions(options);
    const flags = options?.flags ?? 0;
    if (this.#isInRing(slot)) return this.#commit(slot, size, options?.timestampNs, flags);
    this.#backlog.complete(slot, size, options?.timestampNs ?? nowNs(), flags);
    this.#serve();
  }

  /** A program gives its slot back. */
  abandon(slot: RingSlot): void {
    this.#checkOpen();
    checkReserved(slot);
    if (this.#isInRing(slot)) {
      this.#turn.begin(); // later slots may be complete now
      this.#attachment.ring.abandon(slot);
      this.#writers.serve();
    } else {
      this.#backlog.abandon(slot);
      this.#serve();
    }
  }

  /** Publishes the commits of this turn now. `isOver`: nothing can be published any more. */
  flush(isOver = false): void {
    this.#turn.close();
    if (!isOver) this.#attachment.publish(this.#turn.startedNs);
  }

  /** The duplicator has granted credit. */
  credited(): void {
    this.#attachment.signals.answered(this.#turn.startedNs);
    this.#serve();
  }

  /** The link has ended: what was committed is published, what was reserved waits for the next. */
  detached(): void {
    const { ring } = this.#attachment;
    ring.publish();
    this.#written.buffers += ring.written.buffers;
    this.#written.bytes += ring.written.bytes;
    this.#backlog.rescue(ring.takePending());
  }

  /** Gives reserved slots back, rejects reservations, and resolves when all else has room. */
  async finish(error: () => Error): Promise<void> {
    this.#attachment.ring.abandonAll();
    this.#backlog.abandonAll();
    this.#writers.reject(error, 'reservations');
    this.#drainBacklog();
    await this.#inTurn(() => (this.#backlog.isEmpty ? true : undefined), undefined);
  }

  /** Publishes everything, with the final count. */
  publishLast(): void {
    this.#turn.close();
    this.#attachment.publishLast();
  }

  /** Nothing is written any more. */
  rejectAll(error: () => Error): void {
    this.#writers.reject(error, 'all');
  }

  /** The content in memory of its own. */
  #copyOf(content: Content): Buffer {
    if (typeof content !== 'function') return Buffer.from(content);
    const bytes = Buffer.allocUnsafe(this.#attachment.ring.file.geometry.payloadCapacity);
    return bytes.subarray(0, content(bytes));
  }

  /** False without credit. Throws what an encoder throws; nothing is published then. */
  #put(content: Content, timestampNs?: number, flags = 0): boolean {
    const slot = this.#reserve();
    if (slot === undefined) return false;
    let size: number;
    if (typeof content === 'function') {
      try {
        size = content(slot.data);
      } catch (error) {
        this.#attachment.ring.abandon(slot);
        throw error;
      }
    } else {
      setBytes.call(slot.data, content);
      size = content.length;
    }
    this.#commit(slot, size, timestampNs, flags);
    return true;
  }

  /** Undefined without credit. */
  #reserve(): RingSlot | undefined {
    const attachment = this.#attachment;
    return attachment.isOpen ? attachment.ring.reserve() : undefined;
  }

  /** False when the link, on which the slot was reserved, has ended since. */
  #isInRing(slot: RingSlot): boolean {
    return this.#attachment.isOpen && this.#attachment.ring === slot.ring;
  }

  #commit(slot: RingSlot, size: number, timestampNs: number | undefined, flags: number): void {
    this.#turn.begin();
    const full = this.#attachment.ring.commit(slot, size, timestampNs ?? this.#turn.startedNs, flags);
    if (full) this.flush();
  }

  #serve(): void {
    this.#drainBacklog();
    this.#writers.serve();
  }

  #drainBacklog(): void {
    if (!this.#backlog.isEmpty)
      this.#backlog.drain((bytes, timestampNs, flags) => this.#put(bytes, timestampNs, flags));
  }

  /** Resolves with the result of `serve`, called in the order of the waits, once it has one. */
  async #inTurn<T>(
    serve: () => T | undefined,
    signal: AbortSignal | undefined,
    reserves = false,
  ): Promise<T> {
    if (signal?.aborted === true) throw abortedError(reserves ? 'reservation' : 'write', signal);
    this.flush(); // the consumer that holds this provider back may be waiting for these buffers
    return this.#writers.wait(serve, signal, reserves);
  }
}

function checkReserved(slot: RingSlot): void {
  if (slot.state === 'reserved') return;
  throw new MirrorflowError('BAD_OPTION', 'this slot was committed or abandoned already; reserve one first');
}
