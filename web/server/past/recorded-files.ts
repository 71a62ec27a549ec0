/**
 * What the recording thread has read of the files of recordings: their times, runs and
 * publications. A file that does not change is read once. Opens each file for a moment, for
 * reading.
 */
import { statSync } from 'node:fs';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { Recording, type RunMark } from '../../../recorder/read/recording.js';
import type { RecordedApp } from './past-messages.js';

/**
 * A readable file with spectra of the application; times in nanoseconds since 1970, from the first
 * publication on.
 */
export interface RecordedFile {
  readonly path: string;
  readonly bytes: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly runs: readonly RunMark[];
  /** Recorded publications, and those of them that are key frames. */
  readonly publications: number;
  readonly keyFrames: number;
}

export interface FileList {
  /** In the order of their times. */
  readonly files: readonly RecordedFile[];
  readonly unreadable: number;
}

type Fact = RecordedFile | 'unreadable' | 'without-spectra';

interface Known {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly application: string | undefined;
  readonly fact: Fact;
  /** When the file was read, monotonic milliseconds. */
  readonly lookedMs: number;
}

/** Files that are known; with more, of other applications, all are read again. */
const KNOWN_MAX = 20_000;
/** A file that grows is read again after this time. */
const LOOK_INTERVAL_MS = 1_000;

/** Name of the flow of spectra. */
export const SPECTRA = 'spectra';

export class RecordedFiles {
  readonly #known = new Map<string, Known>();

  list({ app, paths }: RecordedApp): FileList {
    if (this.#known.size > KNOWN_MAX) this.#known.clear();
    const files: RecordedFile[] = [];
    let unreadable = 0;
    for (const path of paths) {
      const { application, fact } = this.#look(path);
      if (fact === 'unreadable') unreadable += 1;
      else if (fact !== 'without-spectra' && application === app) files.push(fact);
    }
    return { files: files.toSorted((one, other) => one.startNs - other.startNs), unreadable };
  }

  #look(path: string): Known {
    const status = statSync(path, { throwIfNoEntry: false });
    const [bytes, modifiedMs] = [status?.size ?? 0, status?.mtimeMs ?? 0];
    const known = this.#known.get(path);
    const nowMs = performance.now();
    if (known !== undefined) {
      if (known.bytes === bytes && known.modifiedMs === modifiedMs) return known;
      if (nowMs - known.lookedMs < LOOK_INTERVAL_MS) return known;
    }
    const looked = { bytes, modifiedMs, lookedMs: nowMs, ...factsOf(path, bytes) };
    this.#known.set(path, looked);
    return looked;
  }
}

function factsOf(path: string, bytes: number): { application: string | undefined; fact: Fact } {
  try {
    const recording = new Recording([path]);
    try {
      const { application, span, files } = recording;
      const startNs = recording.cursor(SPECTRA).firstNs;
      if (span === undefined || startNs === undefined) return { application, fact: 'without-spectra' };
      return {
        application,
        fact: { path, bytes, startNs, endNs: span.endNs, runs: recording.runs(), ...countsOf(files) },
      };
    } finally {
      recording.close();
    }
  } catch (error) {
    if (!isMirrorflowError(error)) throw error;
    return { application: undefined, fact: 'unreadable' };
  }
}

function countsOf(files: Recording['files']): Pick<RecordedFile, 'publications' | 'keyFrames'> {
  let [publications, keyFrames] = [0, 0];
  for (const { summary } of files) {
    for (const { id, topic, metadata } of summary.channels.values()) {
      const kind = metadata.get('kind');
      if (topic !== SPECTRA || (kind !== 'key' && kind !== 'delta')) continue;
      const count = summary.counts.get(id) ?? 0;
      publications += count;
      if (kind === 'key') keyFrames += count;
    }
  }
  return { publications, keyFrames };
}
