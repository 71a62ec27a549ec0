/**
 * The results of mutation runs in one file, so that a run that was stopped continues: one entry for
 * each mutation that was tried, under the text of its module. Used by the mutation run. Reads and
 * writes the file.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Mutation } from './mutations.js';
import type { TestRun } from './work-copy.js';

export interface MutationResult {
  readonly room: string;
  /** Compiled module, below `dist`. */
  readonly module: string;
  readonly line: number;
  /** The line before and after the mutation, without blanks around it. */
  readonly before: string;
  readonly after: string;
  readonly outcome: TestRun['outcome'];
  /** Title of the first test that failed, where there is one. */
  readonly failed?: string;
}

export class Results {
  readonly #path: string;
  readonly #entries: Record<string, MutationResult>;

  constructor(path: string) {
    this.#path = path;
    this.#entries = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, MutationResult>)
      : {};
  }

  get(key: string): MutationResult | undefined {
    return this.#entries[key];
  }

  /** Written at once, and completely. */
  set(key: string, result: MutationResult): void {
    this.#entries[key] = result;
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(this.#entries, undefined, 2)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

/** Names a mutation of this very text of a module. */
export function keyOf(module: string, source: string, { start, end, replacement }: Mutation): string {
  const text = createHash('sha256').update(source).digest('hex').slice(0, 12);
  return `${module}@${text}:${start}-${end}:${replacement}`;
}

/** The lines of a mutation before and after it, for people. */
export function linesOf(
  source: string,
  { start, end, replacement }: Mutation,
): { before: string; after: string } {
  const from = source.lastIndexOf('\n', start - 1) + 1;
  const next = source.indexOf('\n', end);
  const to = next < 0 ? source.length : next;
  const shown = (text: string): string => text.replace(/\s+/g, ' ').trim();
  return {
    before: shown(source.slice(from, to)),
    after: shown(source.slice(from, start) + replacement + source.slice(end, to)),
  };
}
