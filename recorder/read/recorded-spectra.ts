/**
 * The spectra of a recorded moment, without under- and overflow, as files have them. The work of
 * `mirrorflow export`. Reads the recording it is given.
 */
import { SPECTRA_FLOW, SpectraView } from '../../client-lib/index.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { readSpectra, type SpecTclSpectrum } from '../../protocol/spectcl/rest-shapes.js';
import { spectrumInRange, type SpectrumInRange } from '../../protocol/spectcl/spectrum-in-range.js';
import type { Recording } from './recording.js';

export interface RecordedSpectra {
  readonly spectra: readonly SpectrumInRange[];
  /** Sequence of the publication. */
  readonly sequence: number;
}

/** Throws BAD_OPTION when no publication was recorded up to that time, and FILE_CORRUPT. */
export function recordedSpectra(recording: Recording, atNs: number): RecordedSpectra {
  const publication = recording.publicationAt(SPECTRA_FLOW, atNs);
  if (publication === undefined) {
    const { span } = recording;
    const begin =
      span === undefined ? 'it is empty' : `it begins at ${new Date(span.startNs / 1e6).toISOString()}`;
    throw new MirrorflowError('BAD_OPTION', `the recording has no spectra up to that time; ${begin}`);
  }
  const { memory, sequence, timestampNs } = publication;
  const described = new Map(
    descriptions(recording, timestampNs).map((spectrum) => [spectrum.name, spectrum]),
  );
  const spectra = new SpectraView(memory)
    .list()
    .map(({ name, binding, counts }) =>
      spectrumInRange(binding, counts, described.get(name), timestampNs / 1e6),
    );
  return { spectra, sequence };
}

/** What SpecTcl reported of its spectra, of which the bins are needed; empty without an answer. */
function descriptions(recording: Recording, atNs: number): readonly SpecTclSpectrum[] {
  const body = recording.answerAt('spectrum/list', atNs);
  if (body === undefined) return [];
  const { detail } = JSON.parse(body.toString('utf8')) as { readonly detail?: unknown };
  return readSpectra(detail);
}
