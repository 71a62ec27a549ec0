/**
 * One run of the clean-up: the leftovers that were found and the outcome of each. All removals pass
 * through it: files of other users are never touched, symbolic links never followed. The parts of
 * the clean-up (flow-directory.ts, runtime-directory.ts, logs.ts) use it. Removes files.
 */
import { linkSync, lstatSync, readdirSync, renameSync, unlinkSync, type Stats } from 'node:fs';
import { describeError, systemCode } from '../../base/errors.js';
import { temporaryName } from '../../base/files/temporary-name.js';

export type LeftoverKind =
  | 'flow file'
  | 'image'
  | 'socket'
  | 'token'
  | 'record'
  | 'temporary file'
  | 'directory'
  | 'shared memory'
  | 'log';

export interface Leftover {
  readonly kind: LeftoverKind;
  readonly path: string;
  /** The owner of the leftover, or why it is known to have none. */
  readonly why: string;
  /** `found` in a dry run. */
  readonly outcome: 'found' | 'removed' | 'failed';
  /** The reason of a failure. */
  readonly error?: string;
}

export class Sweep {
  readonly dryRun: boolean;
  readonly #leftovers: Leftover[] = [];
  readonly #uid = process.geteuid?.() ?? 0;

  constructor(dryRun: boolean) {
    this.dryRun = dryRun;
  }

  get leftovers(): readonly Leftover[] {
    return this.#leftovers;
  }

  /**
   * File names in a directory of this user; empty for another user's, for a link and for a missing
   * directory.
   */
  namesIn(directory: string): string[] {
    if (this.own(directory)?.isDirectory() !== true) return [];
    try {
      return readdirSync(directory);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** Status of the file at `path` itself, links not followed; undefined if another user owns it. */
  own(path: string): Stats | undefined {
    try {
      const stats = lstatSync(path);
      return stats.uid === this.#uid ? stats : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Removes with `act`, unless this is a dry run. A failure is recorded; the clean-up continues.
   */
  remove(
    kind: LeftoverKind,
    path: string,
    why: string,
    act: () => boolean | void = () => unlinkSync(path),
  ): void {
    const facts = { kind, path, why };
    if (this.dryRun) {
      this.#leftovers.push({ ...facts, outcome: 'found' });
      return;
    }
    try {
      if (act() !== false) this.#leftovers.push({ ...facts, outcome: 'removed' });
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return; // another process removed it first
      this.#leftovers.push({ ...facts, outcome: 'failed', error: describeError(error) });
    }
  }
}

/**
 * Removes the file at `path` unless `taken` returns true because a new owner has claimed the path
 * meanwhile: the file is moved aside first and checked then, so that a new owner's file is
 * restored. False when it was.
 */
export function removeAside(path: string, taken: () => boolean): boolean {
  const aside = temporaryName(path);
  renameSync(path, aside);
  const restored = taken();
  if (restored) {
    try {
      linkSync(aside, path);
    } catch (error) {
      // EEXIST: the new owner has created another file since.
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }
  unlinkSync(aside);
  return !restored;
}
