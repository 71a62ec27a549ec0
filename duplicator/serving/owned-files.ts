/**
 * The files that a duplicator owns, its flow file and a mirror's image, guarded against other
 * programs: notices when one is removed, replaced or truncated, and puts copies in the place of
 * removed ones for the next duplicator. Owned by HostedFlow. Keeps the files open, watches and
 * examines them, copies them; never touches the mappings, whose missing pages would end the process
 * with SIGBUS.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { createAllocated, type FileAccess } from '../../protocol/base/files/allocate.js';
import { PathWatch } from '../../protocol/base/files/path-watch.js';
import { temporaryName } from '../../protocol/base/files/temporary-name.js';

/** `removed`: the path leads to no file or another one; `truncated`: pages are missing. */
export type Damage = 'removed' | 'truncated';

export interface OwnedFile {
  readonly path: string;
  /** The file, open for reading; owned by OwnedFiles from now on. Default: it is opened. */
  readonly fd?: number | undefined;
  readonly bytes: number;
  readonly access: FileAccess;
  /**
   * Another process may write to the file while it is copied: called with the descriptors of the
   * file and of the complete copy, before that is in its place.
   */
  readonly settle?: (file: number, copy: number) => void;
  /**
   * Moves the complete copy from its temporary name to its path. Throws when another owner has the
   * path now. Default: replaces what is there.
   */
  readonly claim?: (path: string, copy: string) => void;
}

interface OpenFile extends OwnedFile {
  readonly fd: number;
  /** Descriptor of the copy that was put in place of the missing file. */
  copy?: number;
  /** Blocks of 512 bytes; 0 where the file system may reduce them by itself. */
  readonly blocks: number;
}

/** Type of tmpfs (statfs(2)), where fewer blocks than before are pages cut out of the file. */
const TMPFS_MAGIC = 0x0102_1994;
const COPY_BYTES = 1024 * 1024;

export class OwnedFiles {
  readonly #files: OpenFile[] = [];
  #watch: PathWatch | undefined;
  #onDamaged: (damage: Damage, path: string) => void = () => undefined;
  #damage: Damage | undefined;

  /** Adds a file. Throws the errors of opening. */
  add(file: OwnedFile): void {
    this.#files.push(opened(file));
  }

  /**
   * Watches the files from now on. `onDamaged` is called once, and at the end of this turn for what
   * has happened already.
   */
  watch(onDamaged: (damage: Damage, path: string) => void): void {
    this.#onDamaged = onDamaged;
    const files = this.#files.map(({ path }) => path);
    const directories = new Set(files.flatMap((path) => [dirname(path), dirname(dirname(path))]));
    this.#watch = new PathWatch([...files, ...directories], () => this.examine());
    queueMicrotask(() => this.examine());
  }

  /** What has happened to the files; undefined while they are whole. */
  get damage(): Damage | undefined {
    return this.#damage;
  }

  /** Examines the files now, without waiting for the report of a change. */
  examine(): void {
    if (this.#damage !== undefined || this.#watch === undefined) return;
    const truncated = this.#files.find((file) => isTruncated(file));
    const damaged = truncated ?? this.#files.find(({ path, fd }) => !isAt(path, fd));
    if (damaged === undefined) return;
    this.#damage = truncated === undefined ? 'removed' : 'truncated';
    this.#watch?.close();
    this.#onDamaged(this.#damage, damaged.path);
  }

  /**
   * Puts a copy of each missing file in its place; a copy that is there already gets the present
   * content. Throws NO_SPACE, SYSTEM_ERROR, FILE_OWNED, and the errors of copying; no temporary
   * file is left.
   */
  putBack(): void {
    for (const file of this.#files) {
      if (isAt(file.path, file.fd)) continue;
      if (file.copy !== undefined && isAt(file.path, file.copy)) copyContent(file, file.copy);
      else makeCopy(file);
    }
  }

  /** Idempotent. */
  close(): void {
    this.#watch?.close();
    this.#onDamaged = () => undefined;
    this.#closeFiles();
  }

  #closeFiles(): void {
    for (const { fd, copy } of this.#files.splice(0)) {
      closeSync(fd);
      if (copy !== undefined) closeSync(copy);
    }
  }
}

/** The file, open for reading; undefined where it cannot be opened, as where there is none. */
export function openIfPossible(path: string): number | undefined {
  try {
    return openFile(path);
  } catch {
    return undefined;
  }
}

function openFile(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

function opened(file: OwnedFile): OpenFile {
  const fd = file.fd ?? openFile(file.path);
  const keepsBlocks = statfsSync(dirname(file.path)).type === TMPFS_MAGIC;
  return { ...file, fd, blocks: keepsBlocks ? fstatSync(fd).blocks : 0 };
}

function isTruncated({ fd, bytes, blocks }: OpenFile): boolean {
  const status = fstatSync(fd);
  return status.size < bytes || status.blocks < blocks;
}

function isAt(path: string, fd: number): boolean {
  const own = fstatSync(fd, { bigint: true });
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found?.ino === own.ino && found.dev === own.dev;
}

/** The path never leads to a part of the copy. */
function makeCopy(file: OpenFile): void {
  const { path, bytes, access, claim = replace } = file;
  const temporary = temporaryName(path);
  const copy = createAllocated(temporary, bytes, access);
  try {
    copyContent(file, copy);
    claim(path, temporary);
  } catch (error) {
    closeSync(copy);
    rmSync(temporary, { force: true });
    throw error;
  }
  if (file.copy !== undefined) closeSync(file.copy);
  file.copy = copy;
}

function copyContent({ path, fd, bytes, settle }: OpenFile, copy: number): void {
  const chunk = Buffer.allocUnsafe(Math.min(COPY_BYTES, bytes));
  for (let at = 0; at < bytes;) {
    const read = readSync(fd, chunk, 0, Math.min(chunk.length, bytes - at), at);
    if (read === 0) throw new Error(`${path} ends after ${at} bytes; it had ${bytes}`);
    writeSync(copy, chunk, 0, read, at);
    at += read;
  }
  settle?.(fd, copy);
}

function replace(path: string, copy: string): void {
  renameSync(copy, path);
}
