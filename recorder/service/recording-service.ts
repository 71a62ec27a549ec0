/**
 * Keeps an application recorded: begins, begins again after a fault, and reports what it does.
 * Owned by the recorder program. Reads flows through a client of its own and writes files into one
 * directory.
 *
 * ```
 * waiting ◀─▶ recording ──▶ finished     its time is over; waiting: no source is live
 *               │   ▲
 *               ▼   │ after a pause; of a full disk when there is space
 *           full, faulty
 * ```
 */
import { statfs } from 'node:fs/promises';
import { connect } from '../../client-lib/index.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { RecorderReport } from '../../protocol/rpc/contract/recorder.js';
import { pauseUnlessAborted } from '../record/pause.js';
import { record, type RecordingState } from '../record/record.js';
import type { RecorderProgramOptions } from './options.js';

const EVERY_MS = 5_000;
const ROTATE_MS = 3_600_000;
/** Between a fault and the next attempt: at first, and at most. */
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 60_000;
/** A recording that lasted so long was no failed attempt. */
const ATTEMPT_MS = 30_000;
/** Free space with which a recording begins again on a disk that was full. */
const SPACE_MIN_BYTES = 16 * 2 ** 20;
const CAUSE_CHARACTERS_MAX = 4096;

export class RecordingService {
  readonly #options: RecorderProgramOptions;
  readonly #log: Logger;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #state: RecorderReport['state'] = 'waiting';
  #cause: string | undefined;
  #recording: RecordingState | undefined;
  #since: Date | undefined;

  /** Begins at once. */
  constructor(options: RecorderProgramOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#running = this.#run();
  }

  report(): RecorderReport {
    const { paths, bytes = 0, flows = [], waiting = [] } = this.#recording ?? {};
    const file = paths?.at(-1);
    const isRecording = this.#state === 'recording';
    const cause = isRecording && waiting.length > 0 ? waiting.join('; ') : this.#cause;
    return {
      state: isRecording && waiting.length === flows.length ? 'waiting' : this.#state,
      bytes,
      flows: flows.map(({ flow, buffers, bytes: size, lost }) => ({ flow, buffers, bytes: size, lost })),
      ...(file === undefined ? {} : { file }),
      ...(this.#since === undefined ? {} : { since: this.#since }),
      ...(cause === undefined ? {} : { cause: cause.slice(0, CAUSE_CHARACTERS_MAX) }),
    };
  }

  /** Resolves when the files are closed. Idempotent. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#ending;
    let pauseMs = PAUSE_MIN_MS;
    while (!signal.aborted) {
      const beganMs = performance.now();
      try {
        await this.#record(signal);
        if (signal.aborted) return;
        this.#enter('finished', undefined);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const isFull = isMirrorflowError(error, 'NO_SPACE');
        this.#enter(isFull ? 'full' : 'faulty', describeError(error));
        this.#log.warn('nothing is recorded', { error });
        const isFirst = performance.now() - beganMs > ATTEMPT_MS;
        pauseMs = isFirst ? PAUSE_MIN_MS : Math.min(PAUSE_MAX_MS, 2 * pauseMs);
        do await pauseUnlessAborted(pauseMs, signal);
        while (isFull && !signal.aborted && !(await this.#hasSpace()));
      }
    }
  }

  async #record(signal: AbortSignal): Promise<void> {
    const { app, directory, record: options, recordings } = this.#options;
    const { everyMs = EVERY_MS, rotateBytes, rotateMs, hold = false, lossy = false, ...rest } = options;
    const client = await connect({
      app,
      name: 'recorder',
      program: 'mirrorflow recorder',
      directory,
      start: false,
    });
    try {
      await record(
        client,
        {
          ...rest,
          directory: recordings,
          everyMs,
          hold,
          lossy,
          rotateBytes,
          rotateMs: rotateMs ?? (rotateBytes === undefined ? ROTATE_MS : undefined),
        },
        signal,
        (text) => this.#log.info(text),
        (recording) => {
          this.#recording = recording;
          this.#since = new Date();
          this.#enter('recording', undefined);
          this.#log.info('recording', { file: recording.paths.at(-1) });
        },
      );
    } finally {
      await client.close().catch(() => undefined);
    }
  }

  async #hasSpace(): Promise<boolean> {
    try {
      const { bavail, bsize } = await statfs(this.#options.recordings);
      return bavail * bsize >= SPACE_MIN_BYTES;
    } catch {
      return true;
    }
  }

  #enter(state: RecorderReport['state'], cause: string | undefined): void {
    this.#state = state;
    this.#cause = cause;
  }
}
