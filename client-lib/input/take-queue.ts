/**
 * The takes of a flow that wait for a buffer: served in order, each answered exactly once, none
 * loses a buffer.
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
  readonly answer: (buffer: FlowBuffer | undefined) => void;
}

/** Longer times than a timer can hold wait as long as it can. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class TakeQueue {
  readonly #engine: InputEngine;
  readonly #over: () => boolean;
  readonly #delivered: (buffer: FlowBuffer) => void;
  readonly #waiting: WaitingTake[] = [];

  /**
   * `over`: no buffer will ever come again. `delivered` is called just before the taker can see its
   * buffer.
   */
  constructor(engine: InputEngine, over: () => boolean, delivered: (buffer: FlowBuffer) => void) {
    this.#engine = engine;
    this.#over = over;
    this.#delivered = delivered;
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
    if (signal?.aborted === true) return Promise.reject(givenUp(signal));
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const take: WaitingTake = {
        answer: (buffer) => {
          settle();
          // In a microtask, and before the taker's own: takes that are made together must not
          // release each other's buffers.
          if (buffer !== undefined) queueMicrotask(() => this.#delivered(buffer));
          resolve(buffer);
        },
      };
      const onAbort = (): void => {
        settle();
        this.#remove(take);
        reject(givenUp(signal));
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
            take.answer(undefined);
          },
          Math.min(timeoutMs, TIMER_MAX_MS),
        );
      }
    });
  }

  /**
   * Gives what is ready to the takes that wait; those left over are told when there is more, or at
   * the end.
   */
  serve(): void {
    let armed = false;
    while (this.#waiting.length > 0) {
      // Asked before looking: what was added before the end is found by the look.
      const over = this.#over();
      const buffer = over ? undefined : this.#engine.take();
      if (buffer !== undefined || over) {
        this.#waiting.shift()?.answer(buffer);
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

function givenUp(signal: AbortSignal | undefined): MirrorflowError {
  return new MirrorflowError('CLOSED', 'the take was given up', {}, signal?.reason);
}
