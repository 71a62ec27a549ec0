/**
 * Random interleavings of a provider and its consumers over a small ring, against a list in memory.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import type { InputFlow } from '../../../client-lib/input/input-flow.js';
import type { FlowBuffer } from '../../../client-lib/input/flow-buffer.js';
import type { OutputFlow } from '../../../client-lib/output/output-flow.js';
import { fillChecked, problemOf } from '../../kit/checked-payload.js';
import { LocalHostFlow, turnsOfEventLoop } from '../../kit/local-host.js';

const CAPACITY = 64;
const CONSUMERS_MAX = 4;
const DEADLINE_MS = 45_000;

interface Written {
  readonly generation: number;
  readonly size: number;
}

/** Expectations of one consumer: everything from `next` on, except what it counted as lost. */
interface Reader {
  readonly flow: InputFlow;
  readonly lossless: boolean;
  /** Bounds of its first sequence: a waiting provider may have written while it attached. */
  first: readonly [from: number, to: number];
  next: number;
  taken: number;
}

/** A slot of several that are reserved together. */
interface Reservation {
  readonly size: number;
  readonly abandons: boolean;
}

type Step =
  | { readonly kind: 'reserve'; readonly slots: readonly Reservation[]; readonly backwards: boolean }
  | { readonly kind: 'write'; readonly sizes: readonly number[]; readonly wait: boolean }
  | {
      readonly kind: 'attach';
      readonly lossless: boolean;
      readonly threaded: boolean;
      readonly start: 'oldest' | 'newest' | 'next';
    }
  | {
      readonly kind: 'take' | 'detach' | 'pause' | 'resume' | 'grow';
      readonly which: number;
      readonly count: number;
    }
  | { readonly kind: 'leave'; readonly clean: boolean };

const size = fc.integer({ min: 8, max: CAPACITY });
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        sizes: fc.array(size, { minLength: 1, maxLength: 12 }),
        wait: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('reserve' as const),
        slots: fc.array(fc.record({ size, abandons: fc.boolean() }), { minLength: 1, maxLength: 5 }),
        backwards: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('attach' as const),
        lossless: fc.boolean(),
        threaded: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
        start: fc.constantFrom('oldest', 'newest', 'next'),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('take' as const),
        which: fc.nat(9),
        count: fc.integer({ min: 1, max: 9 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('detach', 'pause', 'resume', 'grow'),
        which: fc.nat(9),
        count: fc.integer({ min: 1, max: 9 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), clean: fc.boolean() }) },
  ),
  { minLength: 5, maxLength: 40 },
);

/** The flow under test, with the list of the buffers written to it. */
class FlowUnderTest {
  readonly #place: LocalHostFlow;
  readonly #slots: number;
  readonly #written: Written[] = [];
  #output: OutputFlow;
  #generation = 1;
  /** Reserved slots reach up to here: what their places held before cannot be read any more. */
  #reserved = 0;
  #readers: Reader[] = [];
  #waiting = Promise.resolve();

  private constructor(place: LocalHostFlow, slots: number, output: OutputFlow) {
    this.#place = place;
    this.#slots = slots;
    this.#output = output;
  }

  static async begin(slots: number): Promise<FlowUnderTest> {
    const place = await LocalHostFlow.start(slots, CAPACITY);
    return new FlowUnderTest(place, slots, await place.provider());
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'write':
        for (const bytes of step.sizes) this.#write(bytes, step.wait);
        break;
      case 'reserve':
        this.#reserve(step.slots, step.backwards);
        break;
      case 'attach':
        await this.#attach(step);
        break;
      case 'leave':
        await this.#leave(step.clean);
        break;
      default: {
        const reader = this.#readers[step.which % Math.max(1, this.#readers.length)];
        if (reader === undefined) break;
        if (step.kind === 'take')
          for (const buffer of reader.flow.takeAll(step.count)) this.#check(reader, buffer);
        else if (step.kind === 'pause') reader.flow.pause();
        else if (step.kind === 'resume') reader.flow.resume();
        else if (step.kind === 'grow')
          await reader.flow
            .grow(Math.min(this.#slots, reader.flow.capacity + step.count))
            .catch(() => undefined);
        else {
          this.#readers = this.#readers.filter((one) => one !== reader);
          await reader.flow.close();
        }
      }
    }
    await turnsOfEventLoop();
    this.#checkCredit();
  }

  /** Every consumer takes all its buffers. */
  async finish(): Promise<void> {
    await this.#leave(true);
    await this.#drained(() =>
      this.#readers.every(({ flow, taken, first: [from, to] }) => {
        const begun = this.#total - taken - flow.lost;
        return begun >= from && begun <= to;
      }),
    );
    for (const reader of this.#readers) {
      if (reader.lossless) expect(reader.flow.lost, 'lost by a lossless consumer').to.equal(0);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#readers.map(({ flow }) => flow.close()));
    this.#output.destroy();
    await this.#place.close();
  }

  get #total(): number {
    return this.#written.length;
  }

  #write(bytes: number, wait: boolean): void {
    const generation = this.#generation;
    if (!wait) {
      const slot = this.#output.reserveNow();
      if (slot === undefined) return;
      fillChecked(slot.data, bytes, generation, this.#total);
      slot.commit(bytes);
      this.#written.push({ generation, size: bytes });
      return;
    }
    // One reservation at a time: the sequence is known when the slot is reserved.
    const output = this.#output;
    this.#waiting = this.#waiting.then(async () => {
      const slot = await output.reserve();
      fillChecked(slot.data, bytes, generation, this.#total);
      slot.commit(bytes);
      this.#written.push({ generation, size: bytes });
    });
    this.#waiting = this.#waiting.catch(() => undefined);
  }

  /** Reserves several slots, fills all, then commits or abandons each. */
  #reserve(slots: readonly Reservation[], backwards: boolean): void {
    const generation = this.#generation;
    const acts: (() => void)[] = [];
    for (const { size: bytes, abandons } of slots) {
      const slot = this.#output.reserveNow();
      if (slot === undefined) break;
      fillChecked(slot.data, bytes, generation, this.#total);
      this.#reserved = Math.max(this.#reserved, this.#total + acts.length + 1);
      if (!abandons) this.#written.push({ generation, size: bytes });
      acts.push(() => (abandons ? slot.abandon() : slot.commit(bytes)));
    }
    for (const act of backwards ? acts.reverse() : acts) act();
  }

  async #attach({ lossless, threaded, start }: Extract<Step, { kind: 'attach' }>): Promise<void> {
    if (this.#readers.length >= CONSUMERS_MAX) return;
    const begin = (reserved = this.#total): number => {
      const total = this.#total;
      const readable = Math.min(total, Math.max(0, total - this.#slots, reserved - this.#slots));
      const oldest = Math.min(total, Math.max(readable, this.#place.file.providerFirst));
      return { oldest, newest: Math.max(readable, total - 1), next: total }[start];
    };
    const from = begin();
    const flow = await this.#place.consumer({
      delivery: lossless ? 'lossless' : 'lossy',
      start,
      inline: !threaded,
      ...(threaded ? { history: 2 } : {}),
    });
    this.#readers.push({ flow, lossless, first: [from, begin(this.#reserved)], next: from, taken: 0 });
  }

  #check(reader: Reader, buffer: FlowBuffer): void {
    const { sequence, generation } = buffer;
    if (reader.lossless && reader.taken === 0) {
      const [from, to] = reader.first;
      expect(sequence, 'beginning of a lossless consumer').to.be.within(from, to);
      reader.first = [sequence, sequence];
    } else if (reader.lossless) expect(sequence, 'order of a lossless consumer').to.equal(reader.next);
    else expect(sequence, 'order of a lossy consumer').to.be.at.least(reader.next);
    const written = this.#written[sequence];
    expect({ generation, size: buffer.size }).to.deep.equal(written);
    const problem = problemOf(Buffer.from(buffer.copy()), generation, sequence);
    // A lossy buffer may be overwritten while it is read, which stillValid reports.
    if (buffer.stillValid() || reader.lossless) expect(problem).to.equal(undefined);
    reader.next = sequence + 1;
    reader.taken += 1;
    buffer.release();
  }

  #checkCredit(): void {
    for (const { lossless, flow, next, taken, first } of this.#readers) {
      // A consumer that has taken nothing may have begun anywhere up to `first[1]`.
      const position = taken === 0 ? first[1] : next;
      if (lossless) {
        expect(this.#total - position, 'ahead of a lossless consumer').to.be.at.most(
          this.#slots + flow.capacity,
        );
      }
    }
  }

  async #leave(clean: boolean): Promise<void> {
    const output = this.#output;
    if (clean) {
      let closed = false;
      void output.close().then(() => (closed = true));
      await this.#drained(() => closed);
    } else {
      output.destroy();
      await turnsOfEventLoop(20);
    }
    const { state, generation } = this.#place.file.provider;
    expect([state, generation]).to.deep.equal([clean ? 'ended' : 'stale', this.#generation]);
    this.#output = await this.#place.provider();
    this.#generation += 1;
  }

  async #drained(done: () => boolean): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!done()) {
      for (const reader of this.#readers) {
        reader.flow.resume();
        for (const buffer of reader.flow.takeAll()) this.#check(reader, buffer);
      }
      await turnsOfEventLoop(1);
      if (performance.now() < deadline) continue;
      const readers = this.#readers.map(({ first, taken, lossless, flow }) => ({
        first,
        taken,
        lossless,
        lost: flow.lost,
      }));
      throw new Error(
        `the consumers did not drain the flow: ${this.#total} written, ${JSON.stringify(readers)}`,
      );
    }
  }
}

describe('a flow under random interleavings', () => {
  it('gives lossless consumers every buffer once and in order, lossy ones a subset and the exact count of the rest', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 2, max: 9 }), async (course, slots) => {
        const flow = await FlowUnderTest.begin(slots);
        try {
          for (const step of course) await flow.take(step);
          await flow.finish();
        } finally {
          await flow.close();
        }
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });
});
