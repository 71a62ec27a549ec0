/**
 * A run of benchmarks: shows which case and repetition is measured and how long the rest may take,
 * prints and keeps each row as soon as it is known, and takes rows from a run that was stopped.
 * `main.ts` makes it, every benchmark measures its cases through it. Writes to standard output,
 * standard error and the file of `--json`.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { formatTable, type Row, type RunEnvironment } from './report.js';

/** What is in the file of `--json` beside the rows of a run that is not complete. */
interface Progress {
  /** Benchmarks, and cases of one as `bench: case`, that are complete. */
  readonly complete: readonly string[];
  readonly options: string;
}

export interface RunOptions {
  readonly environment: RunEnvironment;
  /** Where the rows go. */
  readonly file?: string | undefined;
  /** Only rows with this text in their case are shown and kept. */
  readonly only?: string | undefined;
  /** Options that change figures: rows of other options are not continued. */
  readonly options?: string;
  /** Whether progress and rows are printed. */
  readonly shows: boolean;
}

type KeptRow = Row & Partial<RunEnvironment>;

const PROGRESS_SUFFIX = '.progress';

export class BenchRun {
  readonly #options: RunOptions;
  readonly #rows: KeptRow[] = [];
  readonly #shown = new Set<string>();
  readonly #complete = new Set<string>();
  #bench = '';
  #expected = 0;
  #measured = 0;
  #measuredMs = 0;
  #status = '';

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /**
   * A run that continues where the run with the same file was stopped. Throws when that run had
   * another commit, machine or other options.
   */
  static resume(options: RunOptions): BenchRun {
    const run = new BenchRun(options);
    const { file } = options;
    if (file === undefined) throw new Error('--resume needs the file of --json');
    if (!existsSync(file + PROGRESS_SUFFIX)) return run;
    const progress = JSON.parse(readFileSync(file + PROGRESS_SUFFIX, 'utf8')) as Progress;
    const rows = JSON.parse(readFileSync(file, 'utf8')) as KeptRow[];
    const { commit, machine } = options.environment;
    const other = rows.find((row) => row.commit !== commit || row.machine !== machine);
    if (other !== undefined || progress.options !== options.options)
      throw new Error(
        `${file} is of commit ${other?.commit ?? commit}, ${other?.machine ?? machine}, ${progress.options}; it can be continued with the same only`,
      );
    run.#rows.push(...rows);
    for (const name of progress.complete) run.#complete.add(name);
    return run;
  }

  /** All rows so far. */
  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** Measures a benchmark, unless a run that is continued has. */
  async bench(name: string, measure: () => Promise<readonly Row[]>): Promise<void> {
    this.#bench = name;
    this.#expected = this.#measured = this.#measuredMs = 0;
    if (this.#complete.has(name)) {
      this.#show(this.#rows.filter((row) => row.bench === name));
      return;
    }
    this.#state(name);
    const rows = await measure();
    this.#state('');
    this.#keep(rows, name);
  }

  /** Number of cases of the present benchmark, for the time that is left. */
  expect(cases: number): void {
    this.#expected = cases;
  }

  /** Measures a case, unless a run that is continued has; its rows are shown and kept at once. */
  async measure(name: string, measure: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
    const key = `${this.#bench}: ${name}`;
    const rowsOf = (): readonly Row[] => this.#rows.filter((row) => row.bench === this.#bench);
    if (this.#complete.has(key)) {
      const known = rowsOf();
      this.#show(known);
      this.#expected -= 1;
      return [];
    }
    this.#state(`${key}${this.#timeLeft()}`);
    const beganMs = performance.now();
    const rows = await measure();
    this.#measured += 1;
    this.#measuredMs += performance.now() - beganMs;
    this.#keep(rows, key);
    return rows;
  }

  /** The repetitions of a case, 0 to `count` - 1, each shown. */
  *repetitions(count: number): Generator<number> {
    const title = this.#status;
    for (let repetition = 0; repetition < count; repetition += 1) {
      this.#state(count > 1 ? `${title}, repetition ${repetition + 1} of ${count}` : title);
      yield repetition;
    }
    this.#state(title);
  }

  /** The run is complete: nothing is left to continue. */
  end(): void {
    this.#state('');
    const { file } = this.#options;
    if (file !== undefined) rmSync(file + PROGRESS_SUFFIX, { force: true });
  }

  #timeLeft(): string {
    const left = this.#expected - this.#measured;
    if (this.#expected === 0) return '';
    const seconds = Math.round(((this.#measuredMs / this.#measured) * left) / 1_000);
    const time = this.#measured === 0 ? '' : `, about ${seconds} s left`;
    return ` (${this.#measured + 1} of ${this.#expected}${time})`;
  }

  #keep(rows: readonly Row[], complete: string): void {
    this.#complete.add(complete);
    const { environment, file, only, options = '' } = this.#options;
    const wanted = rows.filter((row) => only === undefined || row.case.includes(only));
    const fresh = wanted.filter((row) => !this.#rows.some((kept) => keyOf(kept) === keyOf(row)));
    this.#rows.push(...fresh.map((row) => Object.assign({}, row, environment)));
    this.#show(wanted);
    if (file === undefined) return;
    // The rows first: a case counts as complete when they are in the file.
    this.#write(file, this.#rows);
    const progress: Progress = { complete: [...this.#complete], options };
    this.#write(file + PROGRESS_SUFFIX, progress);
  }

  #show(rows: readonly Row[]): void {
    const fresh = rows.filter((row) => !this.#shown.has(keyOf(row)));
    for (const row of fresh) this.#shown.add(keyOf(row));
    if (fresh.length === 0 || !this.#options.shows) return;
    this.#state('');
    process.stdout.write(`${formatTable(fresh)}\n`);
  }

  /** Shows what is being done: in place on a terminal, else a line for each case. */
  #state(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    const { stderr } = process;
    if (stderr.isTTY && this.#options.shows) stderr.write(`\r\u{1B}[K${status.slice(0, stderr.columns - 1)}`);
  }

  #write(file: string, content: unknown): void {
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, `${JSON.stringify(content, undefined, 2)}\n`);
    renameSync(fresh, file);
  }
}

function keyOf({ bench, case: name, unit, peer }: Row): string {
  return JSON.stringify([bench, name, unit, peer]);
}
