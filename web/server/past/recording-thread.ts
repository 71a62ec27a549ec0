/**
 * The web server's handle of its recording thread: starts it at the first request, ends it when it
 * was not used for a while, and starts another one after it has failed. `Past` owns the only one.
 * Starts a worker thread, whose memory is limited.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../protocol/base/clock.js';
import { describeError, MirrorflowError } from '../../../protocol/base/errors.js';
import { programPath } from '../../../protocol/base/installation.js';
import type { PastAnswers, PastOutcome, PastRequest, PastTaskKind, PastTasks } from './past-messages.js';

interface Pending {
  resolve(answer: never): void;
  reject(error: Error): void;
  readonly cancelTimeout: () => void;
}

/** The thread ends after this time without a request, and with it its open files. */
const IDLE_MS = 60_000;
/** Longest read of a moment or time line; a disk may have to start. */
const READ_TIMEOUT_MS = 60_000;
/** Days of spectra are inflated. */
const TREND_TIMEOUT_MS = 15 * 60_000;
/** JavaScript objects of the thread; display memories come on top, of which it has three. */
const HEAP_MIB_MAX = 512;

export class RecordingThread {
  readonly #clock: Clock;
  #worker: Worker | undefined;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #cancelIdle: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Throws what the thread throws, TIMED_OUT, APPLICATION_ERROR when the thread fails, and CLOSED.
   */
  ask<Kind extends PastTaskKind>(
    kind: Kind,
    task: PastTasks[Kind],
    signal?: AbortSignal,
  ): Promise<PastAnswers[Kind]> {
    if (this.#closed) return Promise.reject(closed());
    this.#cancelIdle?.();
    const worker = (this.#worker ??= this.#start());
    const id = this.#nextId++;
    const timeoutMs = kind === 'trend' ? TREND_TIMEOUT_MS : READ_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const cancelTimeout = this.#clock.after(timeoutMs, () => {
        // A read that does not return cannot be stopped otherwise.
        this.#end(
          worker,
          new MirrorflowError('TIMED_OUT', `reading the recording took more than ${timeoutMs} ms`, {
            timeoutMs,
          }),
        );
      });
      this.#pending.set(id, { resolve, reject, cancelTimeout });
      signal?.addEventListener(
        'abort',
        () => worker.postMessage({ id, kind: 'cancel' } satisfies PastRequest),
        { once: true },
      );
      worker.postMessage({ id, kind, ...task });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelIdle?.();
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#fail(closed());
    this.#worker = undefined;
    await worker.terminate();
  }

  #start(): Worker {
    const worker = new Worker(programPath('recording-thread'), {
      name: 'mirrorflow recording thread',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    worker.on('message', (outcome: PastOutcome) => this.#received(outcome));
    worker.once('error', (error) =>
      this.#end(
        worker,
        new MirrorflowError(
          'APPLICATION_ERROR',
          `the recording cannot be read: ${describeError(error)}`,
          {},
          error,
        ),
      ),
    );
    return worker;
  }

  #received(outcome: PastOutcome): void {
    const pending = this.#pending.get(outcome.id);
    this.#pending.delete(outcome.id);
    pending?.cancelTimeout();
    if (this.#pending.size === 0) this.#endWhenIdle();
    if ('answer' in outcome) return pending?.resolve(outcome.answer as never);
    const { code, message, facts } = outcome.error;
    pending?.reject(new MirrorflowError(code, message, facts));
  }

  #endWhenIdle(): void {
    const worker = this.#worker;
    this.#cancelIdle?.();
    this.#cancelIdle = this.#clock.after(IDLE_MS, () => {
      if (worker !== undefined && this.#pending.size === 0) this.#end(worker, closed());
    });
  }

  /** The next request starts another thread. */
  #end(worker: Worker, reason: MirrorflowError): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#fail(reason);
    void worker.terminate();
  }

  #fail(reason: MirrorflowError): void {
    const failed = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, cancelTimeout } of failed) {
      cancelTimeout();
      reject(reason);
    }
  }
}

function closed(): MirrorflowError {
  return new MirrorflowError('CLOSED', 'the web viewer stops: the recording was not read');
}
