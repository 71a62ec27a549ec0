/**
 * The account of a chaos run: which buffers providers have published, and which of them each reader
 * has delivered. `ChaosSystem`, `Reader` and the system tests record into it what the programs
 * report. Pure: no I/O.
 *
 * A provider numbers its buffers from 0 in each run of its process, and reports a number after it
 * has published the buffer. A reader reports the numbers that it has delivered. Two losses are
 * unavoidable and do not count as `lost`: a killed reader loses what it took and did not report, so
 * the gap where its successor begins is forgiven, once; a killed provider loses what it had not
 * published, so only numbers that it reported must arrive.
 */

/** Consecutive numbers of one run that a reader has delivered. */
export interface DeliveredRange {
  readonly run: number;
  /** First and last number, both delivered, without a gap between them. */
  readonly first: number;
  readonly last: number;
}

/** Counts of buffers over the run; members of the JSON report. */
export interface Totals {
  sent: number;
  delivered: number;
  lost: number;
  doubled: number;
  torn: number;
  /** Buffers that lossy readers were too slow for. */
  skipped: number;
  /** Buffers that killed readers had not reported. */
  forgiven: number;
  /** Publications of mirrors that displays read whole. */
  publications: number;
}

interface ReaderAccount {
  readonly flow: string;
  readonly lossless: boolean;
  /** Run of the provider that the reader delivers now; -1 before its first buffer. */
  run: number;
  /** The next number of the run. */
  next: number;
  /** True before the very first buffer and after a kill: any first number is accepted. */
  forgivesNextGap: boolean;
  /** Where the reader stopped in each earlier run; compared with what was published in `close`. */
  readonly finished: { readonly run: number; readonly next: number }[];
}

export class Ledger {
  readonly totals: Totals = {
    sent: 0,
    delivered: 0,
    lost: 0,
    doubled: 0,
    torn: 0,
    skipped: 0,
    forgiven: 0,
    publications: 0,
  };
  readonly #onProblem: (problem: string) => void;
  readonly #readers = new Map<string, ReaderAccount>();
  /** By flow and run: the number after the last published one. */
  readonly #published = new Map<string, Map<number, number>>();

  /** `onProblem` is called for every range that was lost or doubled and for every torn buffer. */
  constructor(onProblem: (problem: string) => void) {
    this.#onProblem = onProblem;
  }

  addReader(name: string, flow: string, lossless: boolean): void {
    this.#readers.set(name, { flow, lossless, run: -1, next: 0, forgivesNextGap: true, finished: [] });
  }

  /** The provider of a flow has published the numbers of this run below `next`. */
  recordPublished(flow: string, run: number, next: number): void {
    const runs = this.#published.get(flow) ?? new Map<number, number>();
    this.#published.set(flow, runs);
    this.totals.sent += Math.max(0, next - (runs.get(run) ?? 0));
    runs.set(run, Math.max(next, runs.get(run) ?? 0));
  }

  /** A reader was killed: the gap before the first buffer of its successor is forgiven. */
  recordRestart(name: string): void {
    this.#account(name).forgivesNextGap = true;
  }

  recordTorn(name: string, description: string): void {
    this.totals.torn += 1;
    this.#onProblem(`${name}: torn: ${description}`);
  }

  /**
   * The reader of a mirror delivered a publication; `repeated`: it had delivered this one before.
   */
  recordPublication(name: string, repeated: boolean): void {
    this.totals.publications += 1;
    if (!repeated) return;
    this.totals.doubled += 1;
    this.#onProblem(`${name}: the same publication was delivered twice`);
  }

  recordDelivered(name: string, { run, first, last }: DeliveredRange): void {
    const reader = this.#account(name);
    this.totals.delivered += last - first + 1;
    if (run < reader.run || (run === reader.run && first < reader.next)) {
      const doubled = run === reader.run ? Math.min(last + 1, reader.next) - first : last - first + 1;
      this.totals.doubled += doubled;
      this.#onProblem(
        `${name}: ${doubled} doubled: run ${run} from ${first}, expected run ${reader.run} from ${reader.next}`,
      );
      if (run < reader.run) return;
    }
    if (run > reader.run) {
      if (!reader.forgivesNextGap) {
        reader.finished.push({ run: reader.run, next: reader.next });
        for (let between = reader.run + 1; between < run; between += 1)
          reader.finished.push({ run: between, next: 0 });
      }
      reader.run = run;
      reader.next = 0;
    }
    this.#countGap(name, reader, first - reader.next, `run ${run} from ${reader.next} to ${first - 1}`);
    reader.forgivesNextGap = false;
    reader.next = Math.max(reader.next, last + 1);
  }

  /** Whether a reader has delivered everything that the newest run of its flow has published. */
  isUpToDate(name: string): boolean {
    const reader = this.#account(name);
    const runs = [...(this.#published.get(reader.flow) ?? [])].filter(([, next]) => next > 0);
    const newest = runs.at(-1);
    return newest === undefined || (reader.run === newest[0] && reader.next >= newest[1]);
  }

  /**
   * Compares the ends of all runs with what was published. Call it when all providers have closed.
   */
  close(): Totals {
    for (const [name, reader] of this.#readers) {
      const runs = this.#published.get(reader.flow);
      if (runs === undefined || reader.run < 0) continue;
      for (const { run, next } of [...reader.finished, { run: reader.run, next: reader.next }]) {
        this.#countGap(name, reader, (runs.get(run) ?? 0) - next, `the end of run ${run} from ${next}`);
      }
    }
    return this.totals;
  }

  #countGap(name: string, reader: ReaderAccount, buffers: number, range: string): void {
    if (buffers <= 0) return;
    if (reader.forgivesNextGap) this.totals.forgiven += buffers;
    else if (!reader.lossless) this.totals.skipped += buffers;
    else {
      this.totals.lost += buffers;
      this.#onProblem(`${name}: ${buffers} lost: ${range}`);
    }
  }

  #account(name: string): ReaderAccount {
    const reader = this.#readers.get(name);
    if (reader === undefined) throw new Error(`no reader is named ${name}: call addReader first`);
    return reader;
  }
}
