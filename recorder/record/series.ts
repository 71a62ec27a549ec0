/**
 * The files of one recording: one after the other, each complete in itself, the oldest removed when
 * they are too many. Owned by `record`; the recorders of flows, mirrors and answers write into the
 * present file. Creates and removes files `APP-TIME.mcap` in one directory.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../protocol/base/clock.js';
import { wallClockNs } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError, systemCode } from '../../protocol/base/errors.js';
import { packageVersion } from '../../protocol/base/installation.js';
import { ownIdentity } from '../../protocol/base/owner-identity.js';
import type { Compression } from '../mcap/chunk.js';
import { RecordingFile, UNNAMED_SUFFIX, writeFailure } from '../mcap/recording-file.js';

export interface SeriesOptions {
  readonly application: string;
  readonly directory: string;
  readonly flows: readonly string[];
  /** A new file begins when the present one has so many bytes. */
  readonly rotateBytes?: number | undefined;
  /** Or is so old. */
  readonly rotateMs?: number | undefined;
  /** Older files of the application are removed. */
  readonly keepMs?: number | undefined;
  /** The oldest files are removed while all have more bytes than this together. */
  readonly keepBytes?: number | undefined;
  readonly compression?: Compression | undefined;
  readonly chunkBytes?: number | undefined;
  readonly clock: Clock;
  /** Called once, when the recording cannot continue. */
  readonly onFailure: (error: MirrorflowError) => void;
}

/** Written data are durable after twice this time at the latest: 5 s, with the time of a write. */
const SYNC_INTERVAL_MS = 2_000;
/** A file gets its name within milliseconds; one that is so old never will. */
const UNNAMED_KEPT_MS = 60_000;

export class Series {
  /** Names of the files that were begun, in their order. */
  readonly paths: string[] = [];
  /** Counts the files: the definitions of an earlier file are not those of a later one. */
  number = 0;
  readonly #options: SeriesOptions;
  #file: RecordingFile;
  #begunMs: number;
  #syncedBytes = 0;
  #rotating = false;
  /** Earlier files that are being closed. */
  readonly #closing = new Set<Promise<void>>();
  #cancelSync: () => void = () => undefined;
  #failure: MirrorflowError | undefined;

  /** Throws NO_SPACE, NOT_PERMITTED or SYSTEM_ERROR. */
  static async begin(options: SeriesOptions): Promise<Series> {
    try {
      mkdirSync(options.directory, { recursive: true });
    } catch (error) {
      throw writeFailure(options.directory, error);
    }
    removeUnnamed(options);
    const series = new Series(options, await create(options, 1, []));
    series.#removeOld();
    series.#scheduleSync();
    return series;
  }

  private constructor(options: SeriesOptions, file: RecordingFile) {
    this.#options = options;
    this.#file = file;
    this.#begunMs = options.clock.nowMs();
    this.number = 1;
    this.paths.push(file.path);
  }

  /** The present file; another one whenever `number` is. */
  get file(): RecordingFile {
    return this.#file;
  }

  /** Begins a new file when the present one is large or old enough. Never rejects. */
  async rotateIfDue(): Promise<void> {
    const { rotateBytes = Infinity, rotateMs = Infinity, clock } = this.#options;
    const isDue = this.#file.bytes >= rotateBytes || clock.nowMs() - this.#begunMs >= rotateMs;
    if (!isDue || this.#rotating || this.#failure !== undefined) return;
    this.#rotating = true;
    try {
      const next = await create(this.#options, this.number + 1, this.paths);
      const previous = this.#file;
      this.#file = next;
      this.number += 1;
      this.paths.push(next.path);
      this.#begunMs = clock.nowMs();
      this.#syncedBytes = 0;
      const closing = previous.close().catch((error: unknown) => this.#fail(error));
      this.#closing.add(closing);
      void closing.then(() => this.#closing.delete(closing));
      this.#removeOld();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#rotating = false;
    }
  }

  /** Reports a failure of the present file. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = writeFailure(this.#file.path, error);
    this.#options.onFailure(this.#failure);
  }

  /** Closes all files, also after a failure. Throws the failure. */
  async close(): Promise<void> {
    this.#cancelSync();
    await this.#file.close().catch((error: unknown) => this.#fail(error));
    await Promise.all(this.#closing);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #scheduleSync(): void {
    this.#cancelSync = this.#options.clock.after(SYNC_INTERVAL_MS, () => {
      void this.#sync().finally(() => {
        if (this.#failure === undefined) this.#scheduleSync();
      });
    });
  }

  async #sync(): Promise<void> {
    const file = this.#file;
    if (file.bytes !== this.#syncedBytes) {
      try {
        await file.sync();
        if (file === this.#file) this.#syncedBytes = file.bytes;
      } catch (error) {
        if (file === this.#file) this.#fail(error);
      }
    }
    await this.rotateIfDue();
  }

  #removeOld(): void {
    const { application, directory, keepMs, keepBytes } = this.#options;
    if (keepMs === undefined && keepBytes === undefined) return;
    const files = recordingsOf(directory, application).filter(({ path }) => path !== this.#file.path);
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files) {
      const isOld = Date.now() - file.modifiedMs > (keepMs ?? Infinity);
      if (!isOld && bytes <= (keepBytes ?? Infinity)) continue;
      if (this.#isBeingClosed(file.path)) continue;
      try {
        rmSync(file.path);
        bytes -= file.bytes;
      } catch (error) {
        if (systemCode(error) !== 'ENOENT')
          this.#fail(
            new MirrorflowError('SYSTEM_ERROR', `cannot remove ${file.path}: ${describeError(error)}`),
          );
      }
    }
  }

  #isBeingClosed(path: string): boolean {
    return this.#closing.size > 0 && path === this.paths.at(-2);
  }
}

/** The recordings of an application in a directory, the oldest first. */
function recordingsOf(directory: string, application: string) {
  return readdirSync(directory)
    .flatMap((name) => {
      if (!name.startsWith(application)) return [];
      const [, begun, copy = '1'] = FILE_NAME.exec(name.slice(application.length)) ?? [];
      const path = join(directory, name);
      const stat = begun === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
      if (begun === undefined || stat === undefined) return [];
      return [{ path, begun, copy: Number(copy), bytes: stat.size, modifiedMs: stat.mtimeMs }];
    })
    .toSorted(
      (one, other) =>
        Number(one.begun > other.begun) - Number(one.begun < other.begun) || one.copy - other.copy,
    );
}

/** Removes files of the application whose recorder was killed before they had a name. */
function removeUnnamed({ application, directory }: SeriesOptions): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(application) || !name.endsWith(UNNAMED_SUFFIX)) continue;
    if (!FILE_NAME.test(name.slice(application.length, -UNNAMED_SUFFIX.length))) continue;
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > UNNAMED_KEPT_MS) rmSync(path, { force: true });
  }
}

const FILE_NAME = /^-(\d{8}T\d{6}Z)(?:-(\d+))?\.mcap$/;
/** Files of one second, more than one process can begin. */
const NAMES_MAX = 1_000;

/** `used`: names that are not used again, also when their files were removed. */
async function create(options: SeriesOptions, part: number, used: readonly string[]): Promise<RecordingFile> {
  const { application, directory, compression, chunkBytes } = options;
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  for (let attempt = 1; ; attempt += 1) {
    const path = join(directory, `${application}-${time}${attempt === 1 ? '' : `-${attempt}`}.mcap`);
    if (used.includes(path)) continue;
    try {
      return await RecordingFile.create(path, {
        library: `mirrorflow ${packageVersion()}`,
        metadata: new Map([['recording', describe(options, part)]]),
        compression,
        ...(chunkBytes === undefined ? {} : { chunkBytes }),
      });
    } catch (error) {
      const exists = error instanceof MirrorflowError && systemCode(error.cause) === 'EEXIST';
      if (!exists || attempt === NAMES_MAX) throw error;
    }
  }
}

/** What a reader has to know of the recording as a whole. */
function describe({ application, flows }: SeriesOptions, part: number): Map<string, string> {
  const { pid, startTicks, bootId = '' } = ownIdentity();
  return new Map([
    ['application', application],
    ['flows', flows.join(' ')],
    ['part', String(part)],
    ['host', hostname()],
    ['begunNs', String(wallClockNs())],
    ['pid', String(pid)],
    ['startTicks', String(startTicks)],
    ['bootId', bootId],
  ]);
}
