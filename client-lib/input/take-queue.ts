/**
 * The takes of an input flow that wait for a buffer: served in order, each settled exactly once, no
 * buffer lost. Used by InputFlow, whose engine obtains the buffers. Pure but for timers.
 */
import { abortedError } from '../call-options.js';
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

/** Callbacks of `then` run as a microtask, at less than half of what queueMicrotask costs. */
const TURN = Promise.resolve();
/** Longest delay of a Node timer; longer timeouts are cut to it. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class TakeQueue {
  readonly #engine: InputEngine;
  readonly #isEnded: () => boolean;
  readonly #waiting: WaitingTake[] = [];

  /** `isEnded`: no buffer will become ready any more. */
  constructor(engine: InputEngine, isEnded: () => boolean) {
    this.#engine = engine;
    this.#isEnded = isEnded;
  }

  /** Whether a take waits for a buffer. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** `onTaken` is called just before the taker gets its buffer. */
  take(
    { signal, timeoutMs }: TakeOptions,
    onTaken: (buffer: FlowBuffer) => void,
  ): Promise<FlowBuffer | undefined> {
    if (signal?.aborted === true) return Promise.reject(abortedError('take', signal));
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const stopWatching = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const take: WaitingTake = {
        resolve: (buffer) => {
          stopWatching();
          // In a microtask before the taker's own: takes that are made together must not release
          // each other's buffers.
          if (buffer !== undefined) void TURN.then(() => onTaken(buffer));
          resolve(buffer);
        },
      };
      const onAbort = (): void => {
        stopWatching();
        this.#remove(take);
        reject(abortedError('take', signal));
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
   * Gives ready buffers to the waiting takes. For the takes that are left the engine is isArmed: it
   * calls `onReady` at the next buffer or at the end.
   */
  serve(): void {
    let isArmed = false;
    while (this.#waiting.length > 0) {
      // Read before taking: the take then finds every buffer that was added before the end.
      const isEnded = this.#isEnded();
      const buffer = isEnded ? undefined : this.#engine.take();
      if (buffer !== undefined || isEnded) {
        this.#waiting.shift()?.resolve(buffer);
      } else if (isArmed) {
        return;
      } else {
        this.#engine.arm();
        isArmed = true;
      }
    }
  }

  #remove(take: WaitingTake): void {
    const at = this.#waiting.indexOf(take);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}
