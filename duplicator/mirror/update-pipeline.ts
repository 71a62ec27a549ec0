/**
 * The way of a received update of a SpecTcl to its publication: compared with the image, verified
 * (is the display header still the right one?), published. One pipeline per source connection,
 * driven by MirrorSession. Asks REST through BindingWatch and writes through MirrorPublisher.
 *
 * SpecTcl does not send a changed header on an old connection, so a changed update waits in its
 * slot until REST, asked after the update arrived, has reported no change of bindings. Meanwhile
 * the next update is received one slot further on.
 *
 * | state     | event                                        | next                                  |
 * | --------- | -------------------------------------------- | ------------------------------------- |
 * | clear     | changed update, source announces its headers | clear: published                      |
 * | clear     | changed update                               | verifying                             |
 * | verifying | REST reports no change                       | clear: published                      |
 * | verifying | REST reports changed bindings                | rejected: reopen for the new header   |
 * | verifying | REST or the publication fails                | failed: the connection counts as lost |
 * | any       | close()                                      | closed: a later verdict is ignored    |
 */
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import type { BindingWatch } from './binding-watch.js';
import type { Reply, UpdateKind } from './mirror-connection.js';
import type { ChangedUpdate, Comparison, MirrorPublisher } from './mirror-publisher.js';

type PipelineState =
  | { readonly kind: 'clear' }
  /** `settled` resolves when the state is another one; never rejects. */
  | { readonly kind: 'verifying'; readonly settled: Promise<void> }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'closed' };

export interface PipelineHooks {
  published(sequence: number): void;
  /**
   * The newest publication has all changes of bindings that the source made before `asOfMs` (a
   * clock reading). REST took `answerMs` to answer.
   */
  bindingsVerified(asOfMs: number, answerMs: number): void;
  /** The state is `rejected` or `failed` now: the connection must be left. */
  broken(): void;
}

/** Longest time without a question about bindings while nothing changes, milliseconds. */
const BINDING_CHECK_MS = 400;

export class UpdatePipeline {
  readonly #publisher: MirrorPublisher;
  readonly #bindings: BindingWatch | undefined;
  readonly #clock: Clock;
  readonly #hooks: PipelineHooks;
  #state: PipelineState = { kind: 'clear' };
  #bindingsCheckedMs: number;

  /** `bindings`: undefined for a source that announces changed headers itself. */
  constructor(
    publisher: MirrorPublisher,
    bindings: BindingWatch | undefined,
    clock: Clock,
    hooks: PipelineHooks,
  ) {
    this.#publisher = publisher;
    this.#bindings = bindings;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#bindingsCheckedMs = clock.nowMs();
  }

  /** The sequence under which the next received update would be published. */
  get nextSequence(): number {
    return this.#publisher.next + this.#slotsAhead;
  }

  /** No update of this connection can be published any more. */
  get broken(): boolean {
    return this.#state.kind === 'rejected' || this.#state.kind === 'failed';
  }

  openSlot(kind: UpdateKind): Buffer {
    return this.#publisher.openSlot(this.#slotsAhead, kind);
  }

  /**
   * `bodyBytes` of the update in the slot that was opened last have arrived. They are compared at
   * once, unless the image is about to change: they would be compared again.
   */
  arrived(kind: UpdateKind, bodyBytes: number): void {
    if (this.#state.kind === 'clear') this.#publisher.arrived(kind, bodyBytes);
  }

  compare(memory: Buffer, { kind, bodyBytes }: Reply): Comparison {
    return this.#publisher.compare(memory, kind, bodyBytes);
  }

  /** Publishes a changed update, once its header is verified. Only in state `clear`. */
  submit(update: ChangedUpdate): void {
    if (this.#bindings === undefined) this.#publish(update);
    else this.#state = { kind: 'verifying', settled: this.#verify(this.#bindings, update) };
  }

  /**
   * Waits for the verdict on the submitted update. True when its header held (or none waits), false
   * when bindings changed. Throws what made it fail.
   */
  async headerHeld(): Promise<boolean> {
    const state = this.#state;
    if (state.kind === 'verifying') await state.settled;
    const settled = this.#state;
    if (settled.kind === 'failed') throw settled.error;
    return settled.kind === 'clear';
  }

  /**
   * Whether the bindings are the same after an unchanged update: a new spectrum may be empty. REST
   * is asked once in BINDING_CHECK_MS at most.
   */
  async bindingsHeld(): Promise<boolean> {
    const nowMs = this.#clock.nowMs();
    if (this.#bindings === undefined || nowMs - this.#bindingsCheckedMs < BINDING_CHECK_MS) return true;
    if ((await this.#bindings.verdict()) !== 'same') return false;
    this.#noteVerified(nowMs);
    return true;
  }

  /** Nothing is published from now on. Idempotent. */
  close(): void {
    this.#state = { kind: 'closed' };
  }

  async #verify(bindings: BindingWatch, update: ChangedUpdate): Promise<void> {
    try {
      const askedMs = this.#clock.nowMs();
      const verdict = await bindings.verdict();
      if (this.#state.kind === 'closed') return;
      if (verdict === 'changed') {
        this.#break({ kind: 'rejected' });
        return;
      }
      this.#state = { kind: 'clear' };
      this.#publish(update);
      this.#noteVerified(askedMs);
    } catch (error) {
      if (this.#state.kind !== 'closed') this.#break({ kind: 'failed', error });
    }
  }

  /** REST, asked at `askedMs`, has just reported no change. */
  #noteVerified(askedMs: number): void {
    this.#bindingsCheckedMs = askedMs;
    this.#hooks.bindingsVerified(askedMs, this.#clock.nowMs() - askedMs);
  }

  #publish(update: ChangedUpdate): void {
    this.#hooks.published(this.#publisher.publish(update, Number(wallClockNs())));
  }

  #break(state: PipelineState): void {
    this.#state = state;
    this.#hooks.broken();
  }

  /** An update that waits for its verdict occupies the next slot; the one behind it is used. */
  get #slotsAhead(): 0 | 1 {
    return this.#state.kind === 'clear' ? 0 : 1;
  }
}
