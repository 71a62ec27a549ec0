/**
 * Named records of applications, kept for all pages: calibrations of spectra, layouts of plots. In
 * memory, and in one file per application below the state directory, so that they outlive the
 * process and the machine. `Applications` owns one store per kind. Reads and writes these files;
 * creates the directory at the first record.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventEmitter } from 'eventemitter3';
import { describeError, MirrorflowError, systemCode } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';

interface RecordEvents {
  changed: [app: string];
}

type RecordsOfApp<T> = Readonly<Record<string, T>>;

export interface RecordKind<T> {
  /** Plural, for the names of files and for errors: `calibrations`. */
  readonly plural: string;
  /** Records of one application. */
  readonly recordsMax: number;
  readonly isValid: (value: unknown) => value is T;
}

const FILE_BYTES_MAX = 2 ** 20;

export class AppRecords<T> extends EventEmitter<RecordEvents> {
  readonly #directory: string;
  readonly #kind: RecordKind<T>;
  readonly #log: Logger;
  readonly #known = new Map<string, RecordsOfApp<T>>();

  /** `directory`: an absolute path, which need not exist. */
  constructor(directory: string, kind: RecordKind<T>, log: Logger) {
    super();
    this.#directory = directory;
    this.#kind = kind;
    this.#log = log;
  }

  /** By name of the record. `app` is a valid name. */
  of(app: string): RecordsOfApp<T> {
    const known = this.#known.get(app) ?? this.#read(app);
    this.#known.set(app, known);
    return known;
  }

  /** Keeps a record, or removes it; throws LIMIT_REACHED and SYSTEM_ERROR. */
  set(app: string, name: string, record: T | undefined): void {
    const others = Object.entries(this.of(app)).filter(([other]) => other !== name);
    const next = recordsOf(record === undefined ? others : [...others, [name, record]]);
    const { plural, recordsMax } = this.#kind;
    const text = `${JSON.stringify(next, undefined, 1)}\n`;
    if (Object.keys(next).length > recordsMax || Buffer.byteLength(text) > FILE_BYTES_MAX) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${app} has ${others.length} ${plural}; at most ${recordsMax} of ${FILE_BYTES_MAX} bytes are kept, remove one first`,
        { app },
      );
    }
    this.#write(app, text);
    this.#known.set(app, next);
    this.emit('changed', app);
  }

  #path(app: string): string {
    return join(this.#directory, `${this.#kind.plural}-${app}.json`);
  }

  #read(app: string): RecordsOfApp<T> {
    const path = this.#path(app);
    try {
      if (statSync(path).size > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
      return this.#valid(JSON.parse(readFileSync(path, 'utf8')));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#log.warn(`cannot read ${this.#kind.plural}`, { path, error });
      return {};
    }
  }

  /** Under another name first, so that a reader or a crash never finds a part. */
  #write(app: string, text: string): void {
    const path = this.#path(app);
    const fresh = `${path}.${process.pid}`;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o750 });
      writeFileSync(fresh, text, { mode: 0o640 });
      renameSync(fresh, path);
    } catch (error) {
      throw new MirrorflowError(
        'SYSTEM_ERROR',
        `cannot write the ${this.#kind.plural} to ${path}: ${describeError(error)}; --state-directory names another place`,
        { path },
        error,
      );
    }
  }

  /** The valid entries of a file, which anything may have written. */
  #valid(parsed: unknown): RecordsOfApp<T> {
    if (typeof parsed !== 'object' || parsed === null) return {};
    const entries = Object.entries(parsed as Readonly<Record<string, unknown>>);
    const { isValid, recordsMax } = this.#kind;
    const valid = entries.filter((entry): entry is [string, T] => isValid(entry[1]));
    return recordsOf(valid.slice(0, recordsMax));
  }
}

/** Also for a record of the name `__proto__`. */
function recordsOf<T>(entries: readonly (readonly [name: string, record: T])[]): RecordsOfApp<T> {
  return Object.fromEntries(entries);
}
