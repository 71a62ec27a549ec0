/** The history against a simple model, both ends in one thread. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { HistoryConsumer } from '../../../../client-lib/input/history/history-consumer.js';
import { ControlBlock } from '../../../../client-lib/input/history/control-block.js';
import {
  CLAIM_DROP,
  CLAIM_WAIT,
  HistoryProducer,
} from '../../../../client-lib/input/history/history-producer.js';
import type { HistoryRules } from '../../../../client-lib/input/history/history-rules.js';
import type { Segment } from '../../../../client-lib/input/history/segment-table.js';

const PAYLOAD_BYTES = 24;

/** Both ends of a history in this thread; segments and withdrawals pass through arrays. */
class TwoEnds {
  readonly producer: HistoryProducer;
  readonly consumer: HistoryConsumer;
  /** Ids of freed segments whose withdrawal is under way to the consumer. */
  readonly #withdrawn: number[] = [];
  /** Ids of all freed segments. */
  readonly freed: number[] = [];
  #next = 0;

  constructor(rules: HistoryRules) {
    const control = ControlBlock.create(rules.maxHistory);
    const published: Segment[] = [];
    this.consumer = new HistoryConsumer(
      ControlBlock.attach(control.memory),
      rules.whenFull === 'overwrite',
      () => published.shift(),
    );
    this.producer = new HistoryProducer(
      control,
      rules,
      PAYLOAD_BYTES,
      (segment) => published.push(segment),
      (id) => {
        this.#withdrawn.push(id);
        this.freed.push(id);
      },
    );
  }

  /** Delivers the withdrawals that are under way, as the event loop of the main thread does. */
  deliverWithdrawals(): void {
    for (const id of this.#withdrawn.splice(0)) this.consumer.removeSegment(id);
  }

  /** Produces the next sequence and returns it, or the refusal of `claim`. */
  produce(): number | 'wait' | 'drop' {
    const index = this.producer.claim();
    if (index === CLAIM_WAIT) return 'wait';
    const sequence = this.#next;
    this.#next += 1;
    if (index === CLAIM_DROP) return 'drop';
    const size = 1 + (sequence % PAYLOAD_BYTES);
    this.producer.area(index).fill(sequence & 0xff, 0, size);
    this.producer.commit(sequence, 2, sequence * 10, size, sequence % 7);
    return sequence;
  }

  /** The sequence of a buffer, after a check of its metadata and payload. */
  read(index: number): number {
    const record = { sequence: 0, epoch: 0, timestampNs: 0, size: 0, flags: 0 };
    const view = this.consumer.read(index, record);
    const { sequence } = record;
    expect(record).to.deep.equal({
      sequence,
      epoch: 2,
      timestampNs: sequence * 10,
      size: view.length,
      flags: sequence % 7,
    });
    expect(view.length).to.equal(1 + (sequence % PAYLOAD_BYTES));
    expect(view.every((byte) => byte === (sequence & 0xff))).to.equal(true);
    return sequence;
  }
}

class Model {
  ready: number[] = [];
  taken = 0;
  capacity: number;
  target: number;
  lost = 0;
  held: number | undefined;
  #next = 0;
  #stopped = false;
  readonly #rules: HistoryRules;

  constructor(rules: HistoryRules) {
    this.#rules = rules;
    this.capacity = rules.history;
    this.target = rules.history;
  }

  get free(): number {
    return this.capacity - this.ready.length - this.taken;
  }

  produce(): number | 'wait' | 'drop' {
    const { watermarks, whenFull, maxHistory } = this.#rules;
    if (watermarks !== undefined) {
      if (this.ready.length >= watermarks.high) this.#stopped = true;
      else if (this.ready.length < watermarks.low) this.#stopped = false;
    }
    if (!this.#stopped) {
      if (this.free === 0 && whenFull === 'grow' && this.capacity < maxHistory)
        this.grow(Math.min(maxHistory, this.capacity * 2));
      if (this.free > 0) {
        this.ready.push(this.#next);
        return this.#next++;
      }
    }
    if (whenFull === 'block' || whenFull === 'grow') return 'wait';
    this.lost += 1;
    const newest = this.ready.at(-1);
    if (whenFull === 'drop' || newest === undefined || newest === this.held) {
      this.#next += 1;
      return 'drop';
    }
    this.ready[this.ready.length - 1] = this.#next;
    return this.#next++;
  }

  take(): number | undefined {
    const sequence = this.ready.shift();
    if (sequence !== undefined) this.taken += 1;
    return sequence;
  }

  release(): void {
    this.taken -= 1;
    if (this.capacity > this.target) this.capacity -= 1;
  }

  grow(to: number): void {
    this.capacity = Math.max(this.capacity, to);
    this.target = Math.max(this.target, to);
  }

  shrink(to: number): void {
    this.target = to;
    this.capacity = Math.max(Math.min(to, this.capacity), this.capacity - this.free);
  }
}

const rulesArbitrary: fc.Arbitrary<HistoryRules> = fc
  .record({
    history: fc.integer({ min: 2, max: 9 }),
    more: fc.integer({ min: 0, max: 12 }),
    whenFull: fc.constantFrom('block' as const, 'overwrite' as const, 'drop' as const, 'grow' as const),
    marks: fc.option(fc.tuple(fc.nat(), fc.nat()), { nil: undefined }),
  })
  .map(({ history, more, whenFull, marks }) => {
    const rules = { history, whenFull, maxHistory: history + more };
    if (marks === undefined) return rules;
    const high = 2 + (marks[0] % (history - 1));
    return Object.assign(rules, { watermarks: { high, low: 1 + (marks[1] % (high - 1)) } });
  });

const actionArbitrary = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('produce' as const), number: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('take' as const), number: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('release' as const), number: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('newest' as const), number: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hold' as const), number: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('grow' as const), number: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shrink' as const), number: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deliver' as const), number: fc.nat() }) },
);

describe('a history', () => {
  it('a history behaves like its model under every policy, for any sequence of actions', () => {
    fc.assert(
      fc.property(rulesArbitrary, fc.array(actionArbitrary, { maxLength: 120 }), (rules, actions) => {
        const both = new TwoEnds(rules);
        const model = new Model(rules);
        const { producer, consumer } = both;
        const taken: number[] = [];
        let heldIndex = -1;
        const unhold = (): void => {
          if (heldIndex >= 0) consumer.unhold(heldIndex);
          heldIndex = -1;
          model.held = undefined;
        };
        for (const action of actions) {
          switch (action.do) {
            case 'produce':
              for (let count = 0; count < action.number; count += 1)
                expect(both.produce()).to.equal(model.produce());
              break;
            case 'take':
              unhold();
              for (let count = 0; count < action.number; count += 1) {
                const index = consumer.take();
                expect(index < 0 ? undefined : both.read(index)).to.equal(model.take());
                if (index >= 0) taken.push(index);
              }
              break;
            case 'release': {
              const [index] = taken.splice(action.number % Math.max(1, taken.length), 1);
              if (index === undefined) break;
              if (consumer.release(index)) producer.freeRetiredSegments();
              model.release();
              break;
            }
            case 'newest': {
              unhold();
              const index = consumer.hold(action.number);
              expect(index < 0 ? undefined : both.read(index)).to.equal(model.ready.at(-1 - action.number));
              if (index >= 0) consumer.unhold(index);
              break;
            }
            case 'hold':
              unhold();
              heldIndex = consumer.hold(0);
              model.held = heldIndex < 0 ? undefined : both.read(heldIndex);
              break;
            case 'grow': {
              const to = 1 + (action.number % rules.maxHistory);
              expect(producer.grow(to)).to.equal(true);
              model.grow(to);
              break;
            }
            case 'shrink': {
              const to = 1 + (action.number % rules.maxHistory);
              producer.shrink(to);
              model.shrink(to);
              break;
            }
            case 'deliver':
              both.deliverWithdrawals();
              break;
          }
          expect(consumer.ready).to.equal(model.ready.length);
          expect(consumer.free).to.equal(model.free);
          expect(consumer.capacity).to.equal(model.capacity);
          expect(consumer.lost).to.equal(model.lost);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('buffer numbers that are reused while a withdrawal is under way are read from their new memory', () => {
    const both = new TwoEnds({ history: 2, whenFull: 'block', maxHistory: 8 });
    const { producer, consumer } = both;
    const takeAndRelease = (count: number): number[] =>
      Array.from({ length: count }, () => {
        const index = consumer.take();
        const sequence = both.read(index);
        consumer.release(index);
        return sequence;
      });
    for (let round = 0; round < 3; round += 1) {
      const first = round * 10;
      producer.grow(8);
      for (let count = 0; count < 8; count += 1) both.produce();
      expect(takeAndRelease(8)).to.deep.equal(Array.from({ length: 8 }, (_, at) => first + at));
      producer.shrink(2); // frees the segment; the consumer learns of it later
      for (let count = 0; count < 2; count += 1) both.produce();
      expect(takeAndRelease(2)).to.deep.equal([first + 8, first + 9]);
    }
    both.deliverWithdrawals();
    producer.grow(8);
    for (let count = 0; count < 8; count += 1) both.produce();
    expect(takeAndRelease(8)[7]).to.equal(37);
    expect(consumer.lost).to.equal(0);
  });

  it('a lossless history of any changing size gives every buffer once and in order', () => {
    const sizes = fc.array(
      fc.record({
        size: fc.integer({ min: 1, max: 16 }),
        producesFirst: fc.boolean(),
        takes: fc.nat({ max: 20 }),
        deliversWithdrawals: fc.boolean(),
      }),
      { minLength: 5, maxLength: 60 },
    );
    fc.assert(
      fc.property(sizes, (steps) => {
        const both = new TwoEnds({ history: 2, whenFull: 'block', maxHistory: 16 });
        let next = 0;
        const take = (count: number): void => {
          for (let left = count; left > 0; left -= 1) {
            const index = both.consumer.take();
            if (index < 0) return;
            expect(both.read(index)).to.equal(next);
            next += 1;
            if (both.consumer.release(index)) both.producer.freeRetiredSegments();
          }
        };
        for (const { size, producesFirst, takes, deliversWithdrawals } of steps) {
          if (producesFirst) while (both.produce() !== 'wait');
          if (size > both.consumer.capacity) both.producer.grow(size);
          else both.producer.shrink(size);
          while (both.produce() !== 'wait');
          take(takes);
          if (deliversWithdrawals) both.deliverWithdrawals();
        }
        take(Number.POSITIVE_INFINITY);
        expect(both.consumer.ready).to.equal(0);
        expect(both.consumer.lost).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });

  it('the flow thread is woken once when a quarter of the history is free', () => {
    const both = new TwoEnds({ history: 8, whenFull: 'block', maxHistory: 8 });
    const { producer, consumer } = both;
    while (both.produce() !== 'wait');
    expect(producer.requestWake()).to.equal(true);
    const taken = [consumer.take(), consumer.take(), consumer.take()];
    expect(consumer.shouldWakeThread()).to.equal(false);
    consumer.release(taken[0]!);
    expect(consumer.shouldWakeThread()).to.equal(false);
    consumer.release(taken[1]!);
    expect(consumer.shouldWakeThread()).to.equal(true);
    expect(consumer.shouldWakeThread()).to.equal(false);
  });

  it('the flow thread is woken for a single free buffer when no buffer is ready', () => {
    const both = new TwoEnds({ history: 8, whenFull: 'block', maxHistory: 8 });
    while (both.produce() !== 'wait');
    expect(both.producer.requestWake()).to.equal(true);
    const taken = Array.from({ length: 8 }, () => both.consumer.take());
    expect(both.consumer.shouldWakeThread()).to.equal(false);
    both.consumer.release(taken[3]!);
    expect(both.consumer.shouldWakeThread()).to.equal(true);
  });

  it('the flow thread sleeps until fewer buffers than the low watermark are ready', () => {
    const both = new TwoEnds({
      history: 8,
      whenFull: 'block',
      maxHistory: 8,
      watermarks: { high: 6, low: 3 },
    });
    const { producer, consumer } = both;
    while (both.produce() !== 'wait');
    expect(consumer.ready).to.equal(6);
    expect(producer.requestWake()).to.equal(true);
    for (let count = 0; count < 3; count += 1) {
      consumer.release(consumer.take());
      expect(consumer.shouldWakeThread()).to.equal(false);
    }
    expect(both.produce()).to.equal('wait');
    consumer.release(consumer.take());
    expect(consumer.ready).to.equal(2);
    expect(consumer.shouldWakeThread()).to.equal(true);
    while (both.produce() !== 'wait');
    expect(consumer.ready).to.equal(6);
  });

  it('the flow thread does not wait when room was freed meanwhile', () => {
    const both = new TwoEnds({ history: 2, whenFull: 'block', maxHistory: 2 });
    while (both.produce() !== 'wait');
    both.consumer.release(both.consumer.take());
    expect(both.producer.requestWake()).to.equal(false);
    expect(both.consumer.shouldWakeThread()).to.equal(false);
  });

  it('a buffer that is being overwritten cannot be taken or held', () => {
    const both = new TwoEnds({ history: 2, whenFull: 'overwrite', maxHistory: 2 });
    both.produce();
    both.produce();
    both.consumer.release(both.consumer.take());
    both.produce();
    expect(both.consumer.ready).to.equal(2);
    expect(both.producer.claim()).to.be.at.least(0);
    expect(both.consumer.ready).to.equal(1);
    expect(both.read(both.consumer.take())).to.equal(1);
    expect(both.consumer.take()).to.equal(-1);
    expect(both.consumer.hold(0)).to.equal(-1);
    both.produce();
    expect(both.read(both.consumer.take())).to.equal(3);
    expect(both.consumer.lost).to.equal(1);
  });

  it('a freed segment is freed once, whatever is grown and freed after it', () => {
    const both = new TwoEnds({ history: 2, whenFull: 'block', maxHistory: 8 });
    for (let round = 0; round < 3; round += 1) {
      both.producer.grow(8);
      while (both.produce() !== 'wait');
      const taken = Array.from({ length: 8 }, () => both.consumer.take());
      both.producer.shrink(2);
      for (const index of taken) both.consumer.release(index);
      both.producer.freeRetiredSegments();
      both.deliverWithdrawals();
    }
    expect(both.freed).to.have.length(3);
    expect(new Set(both.freed).size).to.equal(3);
    expect(both.consumer.capacity).to.equal(2);
  });

  it('a history that would have more buffers than its words allow does not grow, and says so', () => {
    const both = new TwoEnds({ history: 2, whenFull: 'block', maxHistory: 8 });
    expect(both.producer.grow(8)).to.equal(true);
    expect(both.producer.grow(9)).to.equal(false);
    expect(both.consumer.capacity).to.equal(8);
  });

  it('the memory of retired buffers is freed once its last buffer has retired', () => {
    const both = new TwoEnds({ history: 2, whenFull: 'block', maxHistory: 8 });
    both.producer.grow(8);
    while (both.produce() !== 'wait');
    const taken = Array.from({ length: 8 }, () => both.consumer.take());
    both.producer.shrink(1);
    for (const index of taken.slice(0, 7)) {
      both.consumer.release(index);
      both.producer.freeRetiredSegments();
    }
    expect(both.freed).to.deep.equal([2]);
    both.consumer.release(taken[7]!);
    expect(both.consumer.capacity).to.equal(1);
    expect(both.produce()).to.equal(8);
  });
});
