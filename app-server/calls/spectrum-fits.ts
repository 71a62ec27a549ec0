/**
 * Fits and peak searches for callers of XML-RPC: starts the mirror if it does not run, and runs
 * each in a thread of its own. `application-calls.ts` calls it. Starts the duplicator of the mirror
 * and worker threads; reads no spectrum itself.
 */
import { Worker } from 'node:worker_threads';
import { programPath } from '../../protocol/base/installation.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import type { FitAnswer, FitRequest, PeakRequest, PeaksAnswer } from '../../protocol/rpc/contract/fits.js';
import type { FitOutcome, FitTask, SpectrumPlace } from '../fit-thread/fit-messages.js';
import { SPECTRA } from '../flows/flow-definition.js';

export interface SpectrumFitsOptions {
  /** Address of the application's SpecTcl; undefined for a mirror by another host. */
  readonly source: string | undefined;
  /** Resolves with the path of a flow's file when its duplicator runs, started where needed. */
  readonly fileOf: (flow: string) => Promise<string>;
  readonly clock: Clock;
}

/** Each is a thread that may use a core. */
const THREADS_MAX = 4;
/** Shorter than the time-out of a call on a session. */
const FIT_TIMEOUT_MS = 8_000;

export class SpectrumFits {
  readonly #options: SpectrumFitsOptions;
  readonly #threads = new Set<Worker>();
  #running = 0;

  constructor(options: SpectrumFitsOptions) {
    this.#options = options;
  }

  /** Throws as `mirrorflow fit`, LIMIT_REACHED and TIMED_OUT. */
  fit(spectrum: string, request: FitRequest): Promise<FitAnswer> {
    return this.#limited(spectrum, (from) => this.#run({ kind: 'fit', from, request })) as Promise<FitAnswer>;
  }

  /** Throws as `mirrorflow peaks`, LIMIT_REACHED and TIMED_OUT. */
  peaks(spectrum: string, request: PeakRequest): Promise<PeaksAnswer> {
    return this.#limited(spectrum, (from) =>
      this.#run({ kind: 'peaks', from, request }),
    ) as Promise<PeaksAnswer>;
  }

  /** Ends the threads; their callers get CLOSED. */
  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  async #limited<T>(name: string, run: (from: SpectrumPlace) => Promise<T>): Promise<T> {
    if (this.#running >= THREADS_MAX) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${THREADS_MAX} fits and peak searches are running; retry when one has ended`,
        { running: THREADS_MAX },
      );
    }
    this.#running += 1;
    try {
      const { source, fileOf } = this.#options;
      return await run({ file: await fileOf(SPECTRA), source, name });
    } finally {
      this.#running -= 1;
    }
  }

  #run(task: FitTask): Promise<FitAnswer | PeaksAnswer> {
    const { clock } = this.#options;
    const thread = new Worker(programPath('fit-thread'), { name: 'mirrorflow fit thread', workerData: task });
    this.#threads.add(thread);
    return new Promise((resolve, reject) => {
      const cancel = clock.after(FIT_TIMEOUT_MS, () => {
        reject(timedOut(task));
        void thread.terminate();
      });
      thread.once('message', (outcome: FitOutcome) => {
        if ('answer' in outcome) return resolve(outcome.answer);
        const { code, message, facts } = outcome.error;
        reject(new MirrorflowError(code, message, facts));
      });
      thread.once('error', (error) => {
        reject(
          new MirrorflowError('APPLICATION_ERROR', `the fit failed: ${describeError(error)}`, {}, error),
        );
      });
      thread.once('exit', () => {
        cancel();
        this.#threads.delete(thread);
        // Without effect after a result.
        reject(new MirrorflowError('CLOSED', 'the app server stops: the fit was not finished'));
      });
    });
  }
}

function timedOut({ kind, from: { name } }: FitTask): MirrorflowError {
  const advice = kind === 'fit' ? 'a smaller range, fewer peaks or no intervals' : 'a smaller range';
  return new MirrorflowError(
    'TIMED_OUT',
    `the ${kind} of ${name} took more than ${FIT_TIMEOUT_MS} ms; use ${advice}`,
    { spectrum: name, timeoutMs: FIT_TIMEOUT_MS },
  );
}
