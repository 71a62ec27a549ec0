/**
 * Recordings of a toy SpecTcl with two spectra: at second n the spectrum `ramp` has n counts in
 * channel 2, and `map` n counts in one cell. Used by the tests of the past. Writes files.
 */
import { DISPLAY_HEADER_BYTES } from '../../../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../../../protocol/spectcl/display-writer.js';
import { channelOf } from '../../../../recorder/flow-channel.js';
import { RecordingFile } from '../../../../recorder/mcap/recording-file.js';
import { encodePublication } from '../../../../recorder/mirror/publication-codec.js';
import type { RecordingPlaces } from '../../../../web/server/past/recording-places.js';

export const START_MS = Date.UTC(2027, 2, 1, 12, 0, 0);
const MAP_OFFSET = 64;
/** Key frames, so that trends of few points skip publications. */
const KEY_EVERY = 4;

export interface ToyRun {
  readonly second: number;
  readonly number: string;
  readonly state: string;
}

/** Only this directory. */
export function placesOf(directory: string): RecordingPlaces {
  return {
    stateDirectory: '/nonexistent',
    further: [directory],
    directoryOf: () => Promise.resolve(undefined),
  };
}

export function toyMemory(count: number): Buffer {
  const bytes = Buffer.alloc(DISPLAY_HEADER_BYTES + 4_096);
  const axes = { xmin: 0, xmax: 8 };
  writeBinding(bytes, 0, { name: 'ramp', type: 4, xchans: 8, ychans: 1, channelOffset: 0, ...axes });
  writeBinding(bytes, 1, { name: 'map', type: 1, xchans: 4, ychans: 4, channelOffset: MAP_OFFSET, ...axes });
  bytes.writeUInt32LE(count, DISPLAY_HEADER_BYTES + 2 * 4);
  bytes.writeUInt8(Math.min(255, count), DISPLAY_HEADER_BYTES + MAP_OFFSET + 5);
  return bytes;
}

/** Records the seconds `from` to `to`, both included; returns the path. */
export async function recordToy(
  path: string,
  [from, to]: readonly [number, number],
  runs: readonly ToyRun[] = [],
  application = 'e1',
): Promise<string> {
  const file = await RecordingFile.create(path, { library: 'test', chunkBytes: 1_000 });
  file.addMetadata('recording', new Map([['application', application]]));
  for (const { second, number, state } of runs) {
    const atNs = String((START_MS + second * 1_000) * 1e6);
    file.addMetadata('run', new Map(Object.entries({ atNs, number, state, title: 'toy' })));
  }
  const identity = { application, flow: 'spectra', type: 'spectra', properties: {}, buffers: 2 };
  const sized = { ...identity, bufferSize: toyMemory(0).length };
  const buffers = { epoch: 1, generation: 0, flags: 0, sequenceHigh: 0 };
  const key = file.addChannel({ ...channelOf(sized, 'key', buffers), schemaId: 0 });
  const delta = file.addChannel({ ...channelOf(sized, 'delta', buffers), schemaId: 0 });
  for (let second = from; second <= to; second += 1) {
    const base =
      (second - from) % KEY_EVERY === 0 ? undefined : { sequence: second - 1, memory: toyMemory(second - 1) };
    const message = encodePublication(second, toyMemory(second), base);
    await file.write(base === undefined ? key : delta, second, (START_MS + second * 1_000) * 1e6, message);
  }
  await file.close();
  return path;
}
