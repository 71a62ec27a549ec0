/**
 * Spectra of one publication as `mirrorflow save` writes them: copies without under- and overflow.
 * Reads the mirror it is given; asks SpecTcl's REST service for the bins of the axes.
 */
import type { Client, Mirror } from '../client-lib/index.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { describedSpectra } from '../protocol/spectcl/axis-bins.js';
import { spectrumInRange } from '../protocol/spectcl/spectrum-in-range.js';
import type { SavedSpectrum } from '../plotting/files/saved-spectrum.js';
import { closest } from './suggest.js';

export interface SavedPublication {
  readonly spectra: readonly SavedSpectrum[];
  readonly sequence: number;
}

/** `names`: undefined for all spectra. Throws UNKNOWN_SPECTRUM with the names that do not exist. */
export async function readPublication(
  client: Client,
  mirror: Mirror,
  names: readonly string[] | undefined,
): Promise<SavedPublication> {
  const { source } = await client.appInfo();
  const described = new Map((await describedSpectra(source)).map((spectrum) => [spectrum.name, spectrum]));
  const { spectra, sequence, missing, existing } = mirror.read((view, { sequence, timestampNs }) => {
    const all = view.list();
    const wanted = names === undefined ? all : all.filter(({ name }) => names.includes(name));
    const atMs = timestampNs / 1e6;
    return {
      spectra: wanted.map(({ name, binding, counts }) =>
        spectrumInRange(binding, counts, described.get(name), atMs),
      ),
      sequence,
      missing: (names ?? []).filter((name) => !all.some((spectrum) => spectrum.name === name)),
      existing: all.map(({ name }) => name),
    };
  });
  const [first] = missing;
  if (first === undefined) return { spectra, sequence };
  const suggestion = closest(first, existing);
  throw new MirrorflowError(
    'UNKNOWN_SPECTRUM',
    `there is no spectrum ${missing.map((name) => JSON.stringify(name)).join(', ')}`,
    {
      names: missing.join(', '),
      ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
    },
  );
}
