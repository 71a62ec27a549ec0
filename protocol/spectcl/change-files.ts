/**
 * The record of who changed a SpecTcl: one line for each change (`change-record.ts`), in a file per
 * application of the state directory of the web viewer, and the file before it. The viewer appends
 * (`change-log.ts` there) and shows it, the console reads it. Reads these files.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.js';
import { checkName } from '../base/names.js';
import { parseChangeRecord, type ChangeRecordLine } from './change-record.js';

/** A file that is this long becomes the one before it, whose changes are forgotten. */
export const CHANGE_FILE_BYTES_MAX = 2 ** 20;

/** Paths of the files of an application, the newer first; throws BAD_NAME. */
export function changeFiles(stateDirectory: string, app: string): readonly [newer: string, older: string] {
  const path = join(stateDirectory, `changes-${checkName('application', app)}.jsonl`);
  return [path, `${path}.1`];
}

/**
 * The last changes, newest first, at most `most`. Lines that are none are left out: a crash may
 * have cut one. Throws BAD_NAME, and what reading throws where a file exists.
 */
export function readChangeRecords(
  stateDirectory: string,
  app: string,
  most: number,
): readonly ChangeRecordLine[] {
  const records: ChangeRecordLine[] = [];
  for (const path of changeFiles(stateDirectory, app)) {
    for (const line of textOf(path).split('\n').toReversed()) {
      const record = parseChangeRecord(line);
      if (record !== undefined) records.push(record);
      if (records.length >= most) return records;
    }
  }
  return records;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}
