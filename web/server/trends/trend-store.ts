/**
 * The trends of one application on disk: one file per day (UTC), appended once a minute, thirty
 * days and 100 MB at most. `AppTrends` has one. A failure to write, as on a full disk, is a state
 * (`problem`): up to an hour of minutes waits in memory and is written when it is possible again.
 * Creates and removes files below its folder; only one process at a time has the folder.
 *
 *     trends/APP/2027-03-01.trends   the days (trend-file.ts)
 *     trends/APP/owner               the process that writes them (claimed)
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claimPath, temporaryName, type ClaimState } from '../../../protocol/base/files/claim.js';
import { describeError, isMirrorflowError, systemCode } from '../../../protocol/base/errors.js';
import type { Logger } from '../../../protocol/base/log.js';
import { isAlive, ownIdentity } from '../../../protocol/base/owner-identity.js';
import { AppendedFile, type WriteAt } from './appended-file.js';
import { decodeFile, encodeRecord, FILE_MAGIC, type DecodedFile, type TrendRecord } from './trend-file.js';
import type { TimedPoint, TrendPoint } from './trend-levels.js';

export interface TrendStoreLimits {
  readonly days: number;
  readonly bytes: number;
}

export const STORE_LIMITS: TrendStoreLimits = { days: 30, bytes: 100e6 };

const SUFFIX = '.trends';
const MINUTES_PER_DAY = 1_440;
const MINUTE_MS = 60_000;
const DAY_MS = MINUTES_PER_DAY * MINUTE_MS;
/** Minutes that wait in memory while they cannot be written. */
const WAITING_MAX = 60;

interface WaitingMinute {
  readonly minute: number;
  readonly keys: readonly string[];
  readonly points: readonly TrendPoint[];
}

export class TrendStore {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #limits: TrendStoreLimits;
  readonly #writeAt: WriteAt | undefined;
  #owns = false;
  /** The file of the day that is written. */
  #file: AppendedFile | undefined;
  #day: number | undefined;
  /** The columns that the file has last; undefined before the first. */
  #columns: string | undefined;
  #waiting: WaitingMinute[] = [];
  #problem: string | undefined;

  /** `folder`: an absolute path, created with the first minute. `writeAt`: for tests. */
  constructor(folder: string, log: Logger, limits = STORE_LIMITS, writeAt?: WriteAt) {
    this.#folder = folder;
    this.#log = log;
    this.#limits = limits;
    this.#writeAt = writeAt;
  }

  /** Why the newest minutes are not on disk; undefined while they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Appends a minute; never throws. Points in the order of the keys. */
  append(minute: number, keys: readonly string[], points: readonly TrendPoint[]): void {
    this.#waiting.push({ minute, keys, points });
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    try {
      while (this.#waiting[0] !== undefined) {
        this.#write(this.#waiting[0]);
        this.#waiting.shift();
      }
      if (this.#problem !== undefined) this.#log.info('trends are stored again', { folder: this.#folder });
      this.#problem = undefined;
    } catch (error) {
      const problem = isMirrorflowError(error, 'FILE_OWNED')
        ? `another web viewer stores them (process ${error.facts['pid']}); --state-directory names another place`
        : `cannot write to ${this.#folder}: ${describeError(error)}`;
      if (problem !== this.#problem) this.#log.warn('trends are not stored', { problem });
      this.#problem = problem;
      this.#closeFile();
    }
  }

  /** The stored minutes from `fromMs` on, oldest first, for the start. */
  readMinutes(fromMs: number, receive: (minute: number, key: string, point: TrendPoint) => void): void {
    for (const day of this.#days()) {
      if ((day + 1) * DAY_MS <= fromMs) continue;
      const decoded = this.#decode(day, () => readFileSync(this.#path(day)));
      if (decoded !== undefined) forEachPoint(decoded.records, receive);
    }
  }

  /** The stored points of one trend whose minutes begin in `fromMs` to `toMs`, oldest first. */
  async points(key: string, fromMs: number, toMs: number): Promise<TimedPoint[]> {
    const points: TimedPoint[] = [];
    for (const day of this.#days()) {
      if ((day + 1) * DAY_MS <= fromMs || day * DAY_MS > toMs) continue;
      const bytes = await readFile(this.#path(day)).catch(() => undefined);
      const decoded = bytes === undefined ? undefined : this.#decode(day, () => bytes);
      forEachPoint(decoded?.records ?? [], (minute, of, { mean, low, high }) => {
        const atMs = minute * MINUTE_MS;
        if (of !== key || atMs < fromMs || atMs > toMs || Number.isNaN(mean)) return;
        points.push({ atMs, mean, low, high });
      });
    }
    return points;
  }

  /** Closes the file and releases the folder. Idempotent. */
  close(): void {
    this.#closeFile();
    if (this.#owns) rmSync(this.#ownerPath, { force: true });
    this.#owns = false;
  }

  get #ownerPath(): string {
    return join(this.#folder, 'owner');
  }

  #path(day: number): string {
    return join(this.#folder, `${new Date(day * DAY_MS).toISOString().slice(0, 10)}${SUFFIX}`);
  }

  #write({ minute, keys, points }: WaitingMinute): void {
    this.#claim();
    const day = Math.floor(minute / MINUTES_PER_DAY);
    if (day !== this.#day || this.#file === undefined) this.#openDay(day);
    const columns = JSON.stringify(keys);
    const records: TrendRecord[] = [{ kind: 'minute', minute, points }];
    if (columns !== this.#columns) records.unshift({ kind: 'columns', keys });
    this.#file?.append(Buffer.concat(records.map(encodeRecord)));
    this.#columns = columns;
  }

  #claim(): void {
    if (this.#owns) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o750 });
    const prepared = temporaryName(this.#ownerPath);
    const { pid, startTicks } = ownIdentity();
    writeFileSync(prepared, JSON.stringify({ pid, startTicks: String(startTicks) }), { mode: 0o640 });
    claimPath(this.#ownerPath, prepared, ownerState);
    this.#owns = true;
  }

  /** Opens the file of a day behind its last whole record; a foreign file is put aside. */
  #openDay(day: number): void {
    this.#closeFile();
    this.#dropOld(day);
    const path = this.#path(day);
    const decoded = this.#decode(day, () => readFileSync(path));
    if (decoded?.soundBytes === 0) renameSync(path, `${path}.foreign`);
    const soundBytes = decoded?.soundBytes ?? 0;
    const file = new AppendedFile(path, soundBytes, this.#writeAt);
    this.#file = file;
    if (soundBytes === 0) file.append(FILE_MAGIC);
    this.#day = day;
    this.#columns = undefined;
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#day = undefined;
  }

  /** Undefined where the file cannot be read. */
  #decode(day: number, read: () => Buffer): DecodedFile | undefined {
    try {
      const decoded = decodeFile(read());
      const { damaged } = decoded;
      if (damaged > 0) this.#log.warn('records of trends are damaged', { path: this.#path(day), damaged });
      return decoded;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT')
        this.#log.warn('cannot read trends', { path: this.#path(day), error });
      return undefined;
    }
  }

  /** The days that have a file, oldest first. */
  #days(): number[] {
    return this.#files()
      .map((name) => Date.parse(name.slice(0, -SUFFIX.length)) / DAY_MS)
      .filter((day) => Number.isInteger(day));
  }

  #files(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((name) => name.endsWith(SUFFIX))
        .sort();
    } catch {
      return [];
    }
  }

  #dropOld(today: number): void {
    const kept = this.#days().map((day) => ({ day, path: this.#path(day), bytes: sizeOf(this.#path(day)) }));
    let bytes = kept.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of kept) {
      const isOld = file.day <= today - this.#limits.days;
      if (file.day >= today || (!isOld && bytes <= this.#limits.bytes)) continue;
      rmSync(file.path, { force: true });
      bytes -= file.bytes;
    }
  }
}

function forEachPoint(
  records: readonly TrendRecord[],
  receive: (minute: number, key: string, point: TrendPoint) => void,
): void {
  let keys: readonly string[] = [];
  for (const record of records) {
    if (record.kind === 'columns') keys = record.keys;
    else
      record.points.forEach((point, index) => {
        const key = keys[index];
        if (key !== undefined) receive(record.minute, key, point);
      });
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The process in the file `owner`. A file without one has no owner: its writer was killed. */
function ownerState(path: string): ClaimState {
  try {
    const { pid, startTicks } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    if (typeof pid !== 'number' || typeof startTicks !== 'string' || !/^\d{1,20}$/.test(startTicks)) {
      return { kind: 'dead' };
    }
    return isAlive({ pid, startTicks: BigInt(startTicks) }) ? { kind: 'owned', pid } : { kind: 'dead' };
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? { kind: 'free' } : { kind: 'dead' };
  }
}
