/**
 * Where the recordings of an application lie, and which files there are its own by their names,
 * `APPLICATION-TIME.mcap`. `Past` asks it. Reads directories.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../../protocol/base/errors.js';

/** The rest of a name, as the recorder writes it: the time, and a number where it is not unique. */
const FILE_NAME = /^-\d{8}T\d{6}Z(?:-\d+)?\.mcap$/;

/** Files of one application that are read, the newest. */
const FILES_MAX = 10_000;

/** The files of an application, the oldest first; none in a directory that does not exist. */
export async function recordingsOf(app: string, directories: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all([...new Set(directories)].map((directory) => filesIn(app, directory)));
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
