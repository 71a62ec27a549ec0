/**
 * The fits of all plots of a page, in one worker that is loaded at the first fit. While a fit runs
 * only the newest question with its key waits, so a slow fit delays its plot and nothing queues.
 * `viewer-page.ts` creates the only one; the regions of plots ask. Starts the worker.
 */
import type { FitAnswer, FitQuestion } from './fit-messages.js';

/** Path of the worker's script; the build puts it here. */
declare const FIT_WORKER_PATH: string;

interface PendingFit {
  waiting: FitQuestion | undefined;
  receive: (answer: FitAnswer) => void;
}

export class Fits {
  readonly #pending = new Map<string, PendingFit>();
  #worker: Worker | undefined;

  /** `receive` gets the answer to the newest question of this key. */
  ask(question: FitQuestion, receive: (answer: FitAnswer) => void): void {
    const { key } = question;
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      pending.waiting = question;
      pending.receive = receive;
      return;
    }
    this.#pending.set(key, { waiting: undefined, receive });
    this.#start().postMessage(question);
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(FIT_WORKER_PATH, { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<FitAnswer>) => this.#answered(data));
    worker.addEventListener('error', () => this.#failed(worker));
    this.#worker = worker;
    return worker;
  }

  #answered(answer: FitAnswer): void {
    const pending = this.#pending.get(answer.key);
    if (pending === undefined) return;
    const { waiting, receive } = pending;
    if (waiting === undefined) this.#pending.delete(answer.key);
    else {
      pending.waiting = undefined;
      this.#start().postMessage(waiting);
    }
    receive(answer);
  }

  /** The script could not be loaded, as after an update of the server; the next fit tries again. */
  #failed(worker: Worker): void {
    worker.terminate();
    this.#worker = undefined;
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const [key, { receive }] of pending) {
      receive({ key, error: 'the code of fits could not be loaded; reload the page' });
    }
  }
}
