/**
 * Reads the spectra of recorded moments in the recording thread. Keeps the files of the last moment
 * open, so that a step forward reads only what was recorded in between. Opens files for reading.
 */
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { readGates, readSpectra, ShapeMismatch } from '../../../protocol/spectcl/rest-shapes.js';
import type { PublicationCursor } from '../../../recorder/read/publication-cursor.js';
import { Recording } from '../../../recorder/read/recording.js';
import type { ReadMoment } from './past-messages.js';
import { SPECTRA, type FileList, type RecordedFile } from './recorded-files.js';

interface Opened {
  readonly files: readonly RecordedFile[];
  readonly recording: Recording;
  readonly cursor: PublicationCursor;
}

/** The newest file may have no publication yet. */
const FILES_OPEN = 2;

export class MomentReader {
  #opened: Opened | undefined;

  /** Throws BAD_OPTION where nothing was recorded up to the moment, and FILE_CORRUPT. */
  read({ files }: FileList, atMs: number): ReadMoment {
    const atNs = atMs * 1e6;
    const [first] = files;
    const upTo = files.filter(({ startNs }) => startNs <= atNs).slice(-FILES_OPEN);
    const publication = upTo.length === 0 ? undefined : this.#open(upTo, atNs).cursor.moveTo(atNs);
    if (publication === undefined || this.#opened === undefined) {
      const begin =
        first === undefined
          ? 'nothing is recorded'
          : `the recording begins at ${new Date(first.startNs / 1e6).toISOString()}`;
      throw new MirrorflowError('BAD_OPTION', `no spectra were recorded up to that moment; ${begin}`, {
        atMs,
      });
    }
    const { memory, sequence, timestampNs } = publication;
    const { recording } = this.#opened;
    return {
      // A copy, which the server receives without another one.
      memory: new Uint8Array(memory),
      sequence,
      dataMs: timestampNs / 1e6,
      spectra: answer(recording, 'spectrum/list', timestampNs, readSpectra),
      gates: answer(recording, 'gate/list', timestampNs, readGates),
    };
  }

  close(): void {
    this.#opened?.recording.close();
    this.#opened = undefined;
  }

  #open(files: readonly RecordedFile[], atNs: number): Opened {
    if (this.#opened !== undefined && hasMoment(this.#opened.files, files, atNs)) return this.#opened;
    this.close();
    const recording = new Recording(files.map(({ path }) => path));
    this.#opened = { files, recording, cursor: recording.cursor(SPECTRA) };
    return this.#opened;
  }
}

/** Whether opened files have a moment, although the last one may have grown since. */
function hasMoment(opened: readonly RecordedFile[], files: readonly RecordedFile[], atNs: number): boolean {
  if (opened.length !== files.length) return false;
  return files.every(({ path, bytes }, index) => {
    const before = opened[index];
    return before?.path === path && (before.bytes === bytes || atNs < before.endNs);
  });
}

/** Empty without an answer, as of a mirror from another host, or one of another shape. */
function answer<T>(
  recording: Recording,
  request: string,
  atNs: number,
  read: (detail: unknown) => T[],
): readonly T[] {
  const body = recording.answerAt(request, atNs);
  if (body === undefined) return [];
  try {
    const { detail } = JSON.parse(body.toString('utf8')) as { readonly detail?: unknown };
    return read(detail);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeMismatch) return [];
    throw error;
  }
}
