/**
 * What was sent and what arrived, buffer by buffer: pure accounting over what providers and readers
 * report. Providers number their buffers anew in each run of theirs, and say what they have
 * published after they did; readers say which numbers they delivered.
 *
 * A reader that was killed loses by nature what it took and did not report: where its successor
 * begins is forgiven, once. A provider that was killed loses by nature what it had not published:
 * only what it said it published must arrive.
 */
export interface Range {
  readonly run: number;
  /** First and last number delivered, without a gap between. */
  readonly first: number;
  readonly last: number;
}

export interface Totals {
  sent: number;
  delivered: number;
  lost: number;
  doubled: number;
  torn: number;
  /** Lossy readers: buffers they were not quick enough for. */
  skipped: number;
  /** What killed readers had not reported. */
  forgiven: number;
  /** Publications of mirrors that displays read whole. */
  publications: number;
}

interface Reader {
  readonly flow: string;
  readonly lossless: boolean;
  run: number;
  /** The next number of the run. */
  next: number;
  /** Begins somewhere: at its very first buffer, and after it was killed. */
  forgiving: boolean;
  /** Where it left each run that it read to what it holds for the end. */
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
  /** Told of every buffer that should not have been lost or doubled. */
  readonly #blame: (what: string) => void;
  readonly #readers = new Map<string, Reader>();
  /** By flow: what each run has published. */
  readonly #published = new Map<string, Map<number, number>>();

  constructor(blame: (what: string) => void) {
    this.#blame = blame;
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

  /** A reader was killed: what its successor begins with is where it begins. */
  restarted(name: string): void {
    this.#of(name).forgiving = true;
  }

  torn(name: string, what: string): void {
    this.totals.torn += 1;
    this.#blame(`${name}: torn: ${what}`);
  }

  /** A mirror's reader delivered one publication; `again`: one that it had delivered already. */
  publication(name: string, again: boolean): void {
    this.totals.publications += 1;
    if (!again) return;
    this.totals.doubled += 1;
    this.#blame(`${name}: a publication came twice`);
  }

  delivered(name: string, { run, first, last }: Range): void {
    const reader = this.#of(name);
    this.totals.delivered += last - first + 1;
    if (run < reader.run || (run === reader.run && first < reader.next)) {
      const again = run === reader.run ? Math.min(last + 1, reader.next) - first : last - first + 1;
      this.totals.doubled += again;
      this.#blame(
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

  /** Whether a reader has everything of its flow's newest run. */
  isUpToDate(name: string): boolean {
    const reader = this.#of(name);
    const runs = [...(this.#published.get(reader.flow) ?? [])].filter(([, next]) => next > 0);
    const newest = runs.at(-1);
    return newest === undefined || (reader.run === newest[0] && reader.next >= newest[1]);
  }

  /**
   * At the end, when all providers have closed: the ends of the runs are compared with what was
   * published.
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
      this.#blame(`${name}: ${buffers} lost: ${where}`);
    }
  }

  #of(name: string): Reader {
    const reader = this.#readers.get(name);
    if (reader === undefined) throw new Error(`no reader ${name}`);
    return reader;
  }
}
