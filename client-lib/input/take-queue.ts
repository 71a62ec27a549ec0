/**
 * The takes of an input flow that wait for a buffer: served in order, each settled exactly once, no
 * buffer lost. Used by InputFlow over its engine. Does no I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { FlowBuffer } from './flow-buffer.js';
import type { InputEngine } from './input-engine.js';

export interface TakeOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds from 0; without it a take waits as long as the flow lives. */
  readonly timeoutMs?: number;
}

interface WaitingTake {
  readonly resolve: (buffer: FlowBuffer | undefined) => void;
}

/** Longest delay of a Node timer; longer timeouts are cut to it. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class TakeQueue {
  readonly #engine: InputEngine;
  readonly #isEnded: () => boolean;
  readonly #onTaken: (buffer: FlowBuffer) => void;
  readonly #waiting: WaitingTake[] = [];

  /**
   * `isEnded`: no buffer will become ready any more. `onTaken` is called just before the taker gets
   * its buffer.
   */
  constructor(engine: InputEngine, isEnded: () => boolean, onTaken: (buffer: FlowBuffer) => void) {
    this.#engine = engine;
    this.#isEnded = isEnded;
    this.#onTaken = onTaken;
  }

  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  take({ signal, timeoutMs }: TakeOptions): Promise<FlowBuffer | undefined> {
    if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
      return Promise.reject(
        new MirrorflowError(
          'BAD_OPTION',
          `timeoutMs is ${String(timeoutMs)}; it must be milliseconds from 0`,
        ),
      );
    }
    if (signal?.aborted === true) return Promise.reject(abortError(signal));
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const take: WaitingTake = {
        resolve: (buffer) => {
          settle();
          // In a microtask before the taker's own: takes that are made together must not release
          // each other's buffers.
          if (buffer !== undefined) queueMicrotask(() => this.#onTaken(buffer));
          resolve(buffer);
        },
      };
      const onAbort = (): void => {
        settle();
        this.#remove(take);
        reject(abortError(signal));
      };
      this.#waiting.push(take);
      this.serve();
      if (!this.#waiting.includes(take)) return;
      if (timeoutMs === 0) {
        this.#remove(take);
        resolve(undefined);
        return;
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY) {
        timer = setTimeout(
          () => {
            this.#remove(take);
            take.resolve(undefined);
          },
          Math.min(timeoutMs, TIMER_MAX_MS),
        );
      }
    });
  }

  /**
   * Gives ready buffers to the waiting takes. For the takes that are left the engine is armed: it
   * calls `onReady` at the next buffer or at the end.
   */
  serve(): void {
    let armed = false;
    while (this.#waiting.length > 0) {
      // Read before taking: the take then finds every buffer that was added before the end.
      const ended = this.#isEnded();
      const buffer = ended ? undefined : this.#engine.take();
      if (buffer !== undefined || ended) {
        this.#waiting.shift()?.resolve(buffer);
      } else if (armed) {
        return;
      } else {
        this.#engine.arm();
        armed = true;
      }
    }
  }

  #remove(take: WaitingTake): void {
    const at = this.#waiting.indexOf(take);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}

function abortError(signal: AbortSignal | undefined): MirrorflowError {
  return new MirrorflowError('CLOSED', 'the take was aborted', {}, signal?.reason);
}
