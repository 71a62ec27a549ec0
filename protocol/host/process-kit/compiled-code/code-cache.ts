/**
 * The file in which a program keeps the code that V8 has compiled, for its next start. The program
 * launcher uses it. Reads and writes one file in a folder of the user.
 *
 * V8 executes what the file contains: only a file of this user that no other user can write is
 * read, and only for the same program file and version of Node. V8 itself compares its version and
 * flags, and the checksum here finds damage. Whatever is wrong, the program is compiled as if there
 * was no file.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { crc32 } from 'node:zlib';

/** The folder, or `off`. */
export const CODE_CACHE_VARIABLE = 'MIRRORFLOW_CODE_CACHE';

const WRITABLE_BY_OTHERS = 0o022;
/** Several installations, versions of Node and options of V8; beyond it, the oldest are removed. */
const FILES_MAX = 64;
/** A file that is being written for longer belongs to a process that was killed. */
const WRITING_MAX_MS = 60_000;

export interface CodeCacheUser {
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Options of Node, which may be options of V8: processes with others use another file. */
  readonly execArgv: readonly string[];
}

export class CodeCache {
  readonly #folder: string;
  readonly #file: string;
  readonly #uid: number;
  /** First line of the file, before the checksum. */
  readonly #key: string;

  private constructor(folder: string, program: string, stats: BigIntStats, user: CodeCacheUser) {
    const place = [program, ...user.execArgv, user.env['NODE_OPTIONS'] ?? ''].join('\n');
    const name = `${basename(program, '.cjs')}-${process.version}-${process.arch}-${hex(crc32(place))}.code`;
    this.#folder = folder;
    this.#file = join(folder, name);
    this.#uid = user.uid;
    // The time of the last change of any kind: package managers set the one of the content.
    const { dev, ino, size, ctimeNs } = stats;
    this.#key = `mirrorflow code 1 ${process.version} ${process.arch} ${dev} ${ino} ${size} ${ctimeNs}`;
  }

  /** Undefined when the user has no folder for it, or wants none. */
  static of(program: string, stats: BigIntStats, user: CodeCacheUser): CodeCache | undefined {
    const folder = cacheFolder(user.env);
    return folder === undefined ? undefined : new CodeCache(folder, program, stats, user);
  }

  /** Undefined when there is no file that this process may trust. */
  read(): Buffer | undefined {
    try {
      if (!this.#isOwnFolder()) return undefined;
      const fd = openSync(this.#file, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const stats = fstatSync(fd);
        if (!stats.isFile() || !this.#isOwn(stats)) return undefined;
        return this.#codeOf(readFileSync(fd));
      } finally {
        closeSync(fd);
      }
    } catch {
      return undefined;
    }
  }

  /** Replaces the file as a whole; does nothing when it cannot. */
  keep(code: Buffer): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      if (!this.#isOwnFolder()) return;
      this.#removeOldest();
      const fresh = `${this.#file}.new`;
      const writtenAtMs = statSync(fresh, { throwIfNoEntry: false })?.mtimeMs;
      if (writtenAtMs !== undefined && Date.now() - writtenAtMs > WRITING_MAX_MS) rmSync(fresh);
      this.#write(fresh, code); // fails when another process is writing it
      renameSync(fresh, this.#file);
    } catch {
      // A full or read-only disk: the next start compiles again.
    }
  }

  #write(path: string, code: Buffer): void {
    const fd = openSync(path, 'wx', 0o600);
    try {
      fchmodSync(fd, 0o600);
      writeSync(fd, Buffer.concat([this.#header(code), code]));
      // V8 would crash on a file whose end is missing after a power failure.
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  #codeOf(content: Buffer): Buffer | undefined {
    const start = content.indexOf('\n') + 1;
    const code = content.subarray(start);
    return content.subarray(0, start).equals(this.#header(code)) ? code : undefined;
  }

  #header(code: Buffer): Buffer {
    return Buffer.from(`${this.#key} ${hex(crc32(code))}\n`);
  }

  #isOwnFolder(): boolean {
    const stats = lstatSync(this.#folder);
    return stats.isDirectory() && this.#isOwn(stats);
  }

  #isOwn({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
    return uid === this.#uid && (mode & WRITABLE_BY_OTHERS) === 0;
  }

  #removeOldest(): void {
    const files = readdirSync(this.#folder).filter((name) => name.endsWith('.code'));
    if (files.length < FILES_MAX) return;
    const changedAtMs = (name: string): number => statSync(join(this.#folder, name)).mtimeMs;
    const oldest = files.toSorted((a, b) => changedAtMs(a) - changedAtMs(b));
    for (const name of oldest.slice(0, files.length - FILES_MAX + 1)) rmSync(join(this.#folder, name));
  }
}

/** The one of the service manager, or below the user's folder for caches. */
function cacheFolder(env: CodeCacheUser['env']): string | undefined {
  const wanted = env[CODE_CACHE_VARIABLE];
  if (wanted !== undefined && wanted !== '') return isAbsolute(wanted) ? wanted : undefined;
  const { CACHE_DIRECTORY: service, XDG_CACHE_HOME: cache, HOME: home } = env;
  if (service !== undefined && isAbsolute(service)) return service;
  if (cache !== undefined && isAbsolute(cache)) return join(cache, 'mirrorflow');
  return home !== undefined && isAbsolute(home) ? join(home, '.cache', 'mirrorflow') : undefined;
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
