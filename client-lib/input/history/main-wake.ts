/**
 * How the flow thread wakes a main thread that waits in its event loop for buffers of a history: an
 * asynchronous wait on the control word `mainWaits`, a quarter faster than a message between the
 * threads. Used by ThreadedEngine. No I/O.
 */
import { CONTROL, MAIN_WAITS, type ControlBlock } from './control-block.js';

export class MainWake {
  readonly #control: ControlBlock;
  readonly #onWake: () => void;
  /** One wait at a time: the flow thread may also wake with a message, which leaves it in place. */
  #isWaiting = false;
  #isClosed = false;
  readonly #woken = (): void => {
    this.#isWaiting = false;
    if (this.#isClosed) return;
    // This may be the answer to an earlier request.
    if (this.#control.load(CONTROL.mainWaits) === MAIN_WAITS.eventLoop) this.#wait();
    this.#onWake();
  };

  /** `onWake`: called after each request, also when there is nothing new; never from `request`. */
  constructor(control: ControlBlock, onWake: () => void) {
    this.#control = control;
    this.#onWake = onWake;
  }

  /**
   * Asks the flow thread for a wake-up at the next buffer. Check for buffers afterwards: those of
   * before cause none.
   */
  request(): void {
    if (this.#isClosed) return;
    this.#control.store(CONTROL.mainWaits, MAIN_WAITS.eventLoop);
    if (!this.#isWaiting) this.#wait();
  }

  /** Ends the wait. Nothing is called from now on. */
  close(): void {
    this.#isClosed = true;
    Atomics.notify(this.#control.int32, CONTROL.mainWaits);
  }

  #wait(): void {
    this.#isWaiting = true;
    const wait = Atomics.waitAsync(this.#control.int32, CONTROL.mainWaits, MAIN_WAITS.eventLoop);
    if (wait.async) void wait.value.then(this.#woken);
    else queueMicrotask(this.#woken); // the flow thread was faster
  }
}
