/**
 * Keeps the record of who changed SpecTcl (`protocol/spectcl/change-files.ts`): appends a line for
 * each change and lets the file become no longer than its bound. `ChangeRequests` calls it with
 * what `SpecTclChanges` reports. Writes files of the state directory, which it creates at the first
 * line.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import type { Logger } from '../../protocol/base/log.js';
import {
  CHANGE_FILE_BYTES_MAX,
  changeFiles,
  readChangeRecords,
} from '../../protocol/spectcl/change-files.js';
import type { ChangeRecordLine } from '../../protocol/spectcl/change-record.js';
import { changeText } from '../wire/changes.js';
import type { ChangeRecord } from './spectcl-changes.js';

/** Changes that a page shows. */
const SHOWN_MAX = 200;
const LINE_END = 0x0a;

export class ChangeLog {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #bytesMax: number;

  /** `directory`: an absolute path, which need not exist. */
  constructor(directory: string, log: Logger, bytesMax = CHANGE_FILE_BYTES_MAX) {
    this.#directory = directory;
    this.#log = log;
    this.#bytesMax = bytesMax;
  }

  /** A record that cannot be written is in the log only: the change has been made. */
  append({ app, time, who, address, request, outcome }: ChangeRecord): void {
    const line: ChangeRecordLine = {
      timeMs: time,
      who,
      address,
      change: changeText(request),
      done: outcome.done,
      reason: outcome.done ? '' : outcome.reason,
      request,
    };
    try {
      this.#write(app, `${JSON.stringify(line)}\n`);
    } catch (error) {
      this.#log.warn('cannot keep the record of a change of SpecTcl', { application: app, error });
    }
  }

  /** The last changes, newest first; empty where they cannot be read. */
  recent(app: string): readonly ChangeRecordLine[] {
    return readChangeRecords(this.#directory, app, SHOWN_MAX);
  }

  #write(app: string, line: string): void {
    const [path, older] = changeFiles(this.#directory, app);
    mkdirSync(this.#directory, { recursive: true, mode: 0o750 });
    if (sizeOf(path) + Buffer.byteLength(line) > this.#bytesMax && sizeOf(path) > 0) renameSync(path, older);
    const file = openSync(path, 'a+', 0o640);
    try {
      // A crash or a full disk may have cut the last line.
      writeSync(file, endsWithLine(file) ? line : `\n${line}`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Also true for an empty file. */
function endsWithLine(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last[0] === LINE_END);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
