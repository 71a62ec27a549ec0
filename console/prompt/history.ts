/**
 * The history of the prompt: earlier lines, kept in a file of the user's state directory.
 *
 * `prompt-session.ts` loads it and appends to it. The prompt works without a history: the first
 * failure is reported, later ones are ignored.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Environment } from '../../protocol/base/paths.js';
import { describeError, systemCode } from '../../protocol/base/errors.js';

export const HISTORY_LINES = 1_000;
/** A longer file is cut to its last lines when it is read. */
const FILE_BYTES_MAX = 256 * 1024;
const LINE_CHARACTERS_MAX = 4_096;

/** Path of the history file; undefined when neither XDG_STATE_HOME nor HOME is set. */
export function historyPath(env: Environment): string | undefined {
  const state = env['XDG_STATE_HOME'];
  // The XDG specification: a relative path is invalid and to be ignored.
  if (state !== undefined && isAbsolute(state)) return join(state, 'mirrorflow', 'history');
  const home = env['HOME'];
  if (home !== undefined && isAbsolute(home)) return join(home, '.local', 'state', 'mirrorflow', 'history');
  return undefined;
}

export class History {
  readonly #path: string | undefined;
  readonly #report: (problem: string) => void;
  #failed = false;

  constructor(path: string | undefined, report: (problem: string) => void) {
    this.#path = path;
    this.#report = report;
  }

  /** The lines, the newest first, as node:readline expects them. */
  load(): string[] {
    const path = this.#path;
    if (path === undefined) return [];
    try {
      const lines = readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      const kept = lines.slice(-HISTORY_LINES);
      if (statSync(path).size > FILE_BYTES_MAX) this.#replace(path, kept);
      return kept.toReversed();
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#fail(error);
      return [];
    }
  }

  /** Appends a line: several prompts at once do not overwrite each other's lines. */
  add(line: string): void {
    const path = this.#path;
    if (path === undefined || line.trim() === '' || line.length > LINE_CHARACTERS_MAX) return;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      appendFileSync(path, `${line}\n`, { mode: 0o600 });
    } catch (error) {
      this.#fail(error);
    }
  }

  #replace(path: string, lines: readonly string[]): void {
    const complete = `${path}.${process.pid}`;
    writeFileSync(complete, `${lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(complete, path);
  }

  #fail(error: unknown): void {
    if (!this.#failed) this.#report(`the history cannot be kept: ${describeError(error)}`);
    this.#failed = true;
  }
}
