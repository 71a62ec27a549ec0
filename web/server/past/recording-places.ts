/**
 * Finds the recordings of an application, files with names `APPLICATION-TIME.mcap`: in
 * `recordings/APPLICATION` of the state directory, where its recorder writes, and in the
 * directories that the viewer was given. `Past` asks it. Reads directories.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../../protocol/base/errors.js';

export interface RecordingPlaces {
  /** State directory of the host server and the viewer. */
  readonly stateDirectory: string;
  /** Further directories, for all applications. */
  readonly further: readonly string[];
  /** Where the recorder of a running application writes; undefined without one. */
  directoryOf(app: string): Promise<string | undefined>;
}

/** The part of a name after the application: time, and a number where the time is not unique. */
const FILE_NAME = /^-\d{8}T\d{6}Z(?:-\d+)?\.mcap$/;

/** Most files of one application that are read: the newest. */
const FILES_MAX = 10_000;

/** The files of an application; none in a directory that does not exist. */
export async function recordingsOf(app: string, places: RecordingPlaces): Promise<readonly string[]> {
  const written = await places.directoryOf(app);
  const standard = join(places.stateDirectory, 'recordings', app);
  const directories = new Set([...places.further, standard, ...(written === undefined ? [] : [written])]);
  const found = await Promise.all([...directories].map((directory) => filesIn(app, directory)));
  return found.flat().slice(-FILES_MAX);
}

async function filesIn(app: string, directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => name.startsWith(app) && FILE_NAME.test(name.slice(app.length)))
      .toSorted()
      .map((name) => join(directory, name));
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(systemCode(error) ?? '')) return [];
    throw error;
  }
}
