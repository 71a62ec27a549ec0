/**
 * One run of the clean-up: what was found, what became of it, and the only place that removes. What
 * is not this user's own is never touched, and a symbolic link is never followed.
 */
import { linkSync, lstatSync, readdirSync, renameSync, unlinkSync, type Stats } from 'node:fs';
import { describeError, systemCode } from '../../base/errors.js';
import { temporaryName } from '../../base/files/temporary-name.js';

export type LeftoverKind =
  'flow file' | 'image' | 'socket' | 'record' | 'temporary file' | 'directory' | 'shared memory';

export interface Leftover {
  readonly kind: LeftoverKind;
  readonly path: string;
  /** Whose it was, or why it is known to be nobody's. */
  readonly why: string;
  /** `found` in a dry run. */
  readonly outcome: 'found' | 'removed' | 'failed';
  /** Of a failure. */
  readonly error?: string;
}

export class Sweep {
  readonly dryRun: boolean;
  readonly #found: Leftover[] = [];
  readonly #uid = process.geteuid?.() ?? 0;

  constructor(dryRun: boolean) {
    this.dryRun = dryRun;
  }

  get leftovers(): readonly Leftover[] {
    return this.#found;
  }

  /**
   * Names in a directory of this user's own; nothing for any other, for links to one, and for one
   * that is not there.
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

  /** The facts of what is at `path` itself, if it belongs to this user. */
  own(path: string): Stats | undefined {
    try {
      const found = lstatSync(path);
      return found.uid === this.#uid ? found : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Removes with `act`, unless this is a dry run; a failure is told and nothing else is given up
   * for it.
   */
  remove(
    kind: LeftoverKind,
    path: string,
    why: string,
    act: () => boolean | void = () => unlinkSync(path),
  ): void {
    const facts = { kind, path, why };
    if (this.dryRun) {
      this.#found.push({ ...facts, outcome: 'found' });
      return;
    }
    try {
      if (act() !== false) this.#found.push({ ...facts, outcome: 'removed' });
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return; // somebody else was faster
      this.#found.push({ ...facts, outcome: 'failed', error: describeError(error) });
    }
  }
}

/**
 * Removes what is at `path` unless `taken` says that somebody took the path meanwhile: it is moved
 * aside first and judged there, so that a new owner's file is put back. False when it was.
 */
export function removeAside(path: string, taken: () => boolean): boolean {
  const aside = temporaryName(path);
  renameSync(path, aside);
  const put = taken();
  if (put) {
    try {
      linkSync(aside, path);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error; // the new owner has made another one since
    }
  }
  unlinkSync(aside);
  return !put;
}
