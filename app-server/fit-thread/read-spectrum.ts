/**
 * Reads one spectrum of the newest publication in a mirror's flow file. The fit thread calls it.
 * Maps the file read-only; the mapping ends with the thread.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../protocol/flow/flow-file/ring-reader.js';
import { countsInRange, type CountsInRange } from '../../protocol/spectcl/counts-in-range.js';
import { bindings, channelsOf } from '../../protocol/spectcl/display-memory.js';

export interface ReadSpectrum {
  readonly channels: CountsInRange;
  readonly label: string;
  readonly sequence: number;
  readonly timestampNs: number;
  readonly state: SourceState;
}

/** Attempts, of which each fails only when the writer overwrites the buffer meanwhile. */
const READ_ATTEMPTS = 100;
/** Names that an error lists; the rest is only counted. */
const NAMES_SHOWN = 10;

/**
 * `bins`: see `inRangeChannels`. Throws UNKNOWN_SPECTRUM, BAD_OPTION for a map, and TIMED_OUT when
 * there is no publication yet or the writer is faster than the copy of one spectrum.
 */
export function readSpectrum(path: string, name: string, bins: number | undefined): ReadSpectrum {
  const file = openFlowFile(path, 'read');
  const reader = new RingReader(file, 'newest');
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
    reader.enterEpoch('newest');
    if (reader.peek() !== 'ready') continue;
    const { sequence, timestampNs } = reader;
    const memory = reader.view();
    const defined = bindings(memory);
    const binding = defined.find((candidate) => candidate.name === name);
    const found =
      binding === undefined
        ? undefined
        : {
            channels: countsInRange(binding, channelsOf(memory, binding), bins),
            label: binding.xlabel,
          };
    if (!reader.isIntact()) continue;
    if (found !== undefined) return { ...found, sequence, timestampNs, state: file.sourceState };
    throw unknownSpectrum(
      name,
      defined.map((other) => other.name),
    );
  }
  throw new MirrorflowError(
    'TIMED_OUT',
    `no publication could be read in ${READ_ATTEMPTS} attempts; the mirror has published ${file.published} and is ${file.sourceState}`,
    { published: file.published, state: file.sourceState },
  );
}

function unknownSpectrum(name: string, names: readonly string[]): MirrorflowError {
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  const existing =
    names.length === 0 ? 'there are none' : `there are ${names.slice(0, NAMES_SHOWN).join(', ')}${more}`;
  return new MirrorflowError(
    'UNKNOWN_SPECTRUM',
    `there is no spectrum ${JSON.stringify(name)}; ${existing}`,
    { name },
  );
}
