/**
 * Accounting of sent and received buffers from the reports of providers and readers, for the chaos
 * run and the system tests. Pure. A provider numbers the buffers of each run (start) from 0 and
 * reports them after publication; a reader reports the numbers that it has delivered.
 *
 * A killed reader cannot report what it took last: the gap before the first buffer of its successor
 * is counted as forgiven, once. A killed provider may lose what it had not published: only reported
 * buffers must arrive.
 */
export interface Range {
  readonly run: number;
  /** First and last number of a delivery without a gap. */
  readonly first: number;
  readonly last: number;
}

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
  /** Whole publications of mirrors that displays have read. */
  publications: number;
}

interface Reader {
  readonly flow: string;
  readonly lossless: boolean;
  run: number;
  /** The next number of the run. */
  next: number;
  /** The next gap is forgiven: before the first buffer, and after the reader was killed. */
  forgiving: boolean;
  /** Earlier runs with the next number of each, for the comparison at the end. */
  readonly left: { readonly run: number; readonly next: number }[];
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
  /** Called with a description of each lost, doubled or torn buffer. */
  readonly #report: (what: string) => void;
  readonly #readers = new Map<string, Reader>();
  /** By flow and run: the number of published buffers. */
  readonly #published = new Map<string, Map<number, number>>();

  constructor(report: (what: string) => void) {
    this.#report = report;
  }

  reader(name: string, flow: string, lossless: boolean): void {
    this.#readers.set(name, { flow, lossless, run: -1, next: 0, forgiving: true, left: [] });
  }

  /** The provider of a flow has published the numbers of this run below `next`. */
  published(flow: string, run: number, next: number): void {
    const runs = this.#published.get(flow) ?? new Map<number, number>();
    this.#published.set(flow, runs);
    this.totals.sent += Math.max(0, next - (runs.get(run) ?? 0));
    runs.set(run, Math.max(next, runs.get(run) ?? 0));
  }

  /** A reader was killed; the gap before the first buffer of its successor is forgiven. */
  restarted(name: string): void {
    this.#of(name).forgiving = true;
  }

  torn(name: string, what: string): void {
    this.totals.torn += 1;
    this.#report(`${name}: torn: ${what}`);
  }

  /** A mirror's reader delivered a publication; `again`: for the second time. */
  publication(name: string, again: boolean): void {
    this.totals.publications += 1;
    if (!again) return;
    this.totals.doubled += 1;
    this.#report(`${name}: a publication was delivered twice`);
  }

  delivered(name: string, { run, first, last }: Range): void {
    const reader = this.#of(name);
    this.totals.delivered += last - first + 1;
    if (run < reader.run || (run === reader.run && first < reader.next)) {
      const again = run === reader.run ? Math.min(last + 1, reader.next) - first : last - first + 1;
      this.totals.doubled += again;
      this.#report(
        `${name}: ${again} doubled, run ${run} from ${first}, expected run ${reader.run} ${reader.next}`,
      );
      if (run < reader.run) return;
    }
    if (run > reader.run) {
      if (!reader.forgiving) {
        reader.left.push({ run: reader.run, next: reader.next });
        for (let between = reader.run + 1; between < run; between += 1)
          reader.left.push({ run: between, next: 0 });
      }
      reader.run = run;
      reader.next = 0;
    }
    this.#gap(name, reader, first - reader.next, `run ${run} from ${reader.next} to ${first - 1}`);
    reader.forgiving = false;
    reader.next = Math.max(reader.next, last + 1);
  }

  /** Whether a reader has delivered every buffer of its flow's newest run. */
  isUpToDate(name: string): boolean {
    const reader = this.#of(name);
    const runs = [...(this.#published.get(reader.flow) ?? [])].filter(([, next]) => next > 0);
    const newest = runs.at(-1);
    return newest === undefined || (reader.run === newest[0] && reader.next >= newest[1]);
  }

  /**
   * Compares the ends of all runs with what was published; to be called once all providers have
   * closed.
   */
  close(): Totals {
    for (const [name, reader] of this.#readers) {
      const runs = this.#published.get(reader.flow);
      if (runs === undefined || reader.run < 0) continue;
      for (const { run, next } of [...reader.left, { run: reader.run, next: reader.next }]) {
        this.#gap(name, reader, (runs.get(run) ?? 0) - next, `the end of run ${run} from ${next}`);
      }
    }
    return this.totals;
  }

  #gap(name: string, reader: Reader, buffers: number, where: string): void {
    if (buffers <= 0) return;
    if (reader.forgiving) this.totals.forgiven += buffers;
    else if (!reader.lossless) this.totals.skipped += buffers;
    else {
      this.totals.lost += buffers;
      this.#report(`${name}: ${buffers} lost: ${where}`);
    }
  }

  #of(name: string): Reader {
    const reader = this.#readers.get(name);
    if (reader === undefined) throw new Error(`no reader ${name}`);
    return reader;
  }
}
