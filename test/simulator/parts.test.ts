/** Parts of the simulator by themselves: lending the memory, holding steps back, traces. */
import { expect } from 'chai';
import { EventPump } from '../../simulator/event-pump.js';
import { LentMemory } from '../../simulator/lent-memory.js';
import { TraceBook } from '../../simulator/trace-book.js';
import { eventually } from '../kit/eventually.js';

describe('lent memory', () => {
  it('is copied by a change while it is lent, and only then', () => {
    let returned = 0;
    const memory = new LentMemory(4, { tear: false, whenReturned: () => returned++ });
    memory.forChange()[0] = 1;
    const loan = memory.lend();
    const second = memory.lend();
    expect(loan.memory).to.equal(memory.current);
    memory.forChange()[0] = 2;
    memory.forChange()[0] = 3;
    expect([loan.memory[0], memory.current[0], memory.copies]).to.deep.equal([1, 3, 1]);
    expect(memory.lent).to.equal(false);
    second.release();
    loan.release();
    expect(returned, 'a loan of the old memory holds nothing back').to.equal(0);
    const last = memory.lend();
    last.release();
    last.release();
    expect([returned, memory.lent, memory.copies]).to.deep.equal([1, false, 1]);
  });

  it('is never copied when replies may tear', () => {
    const memory = new LentMemory(4, { tear: true, whenReturned: () => undefined });
    const loan = memory.lend();
    memory.forChange()[0] = 2;
    expect([loan.memory[0], memory.copies, memory.lent]).to.deep.equal([2, 0, false]);
  });
});

describe('event pump', () => {
  it('holds steps back, not for ever, and makes every one of them', async () => {
    const steps: number[] = [];
    let held = true;
    const pump = new EventPump(2500, {
      intervalMs: 1,
      held: () => held,
      step: (events) => steps.push(events),
    });
    await eventually(() => steps.length > 0);
    expect(steps.length, 'several at once, since they were held back').to.be.greaterThan(1);
    held = false;
    await eventually(() => steps.length > 20);
    pump.stop();
    // 2.5 events an interval: the halves are not lost.
    steps.forEach((events, index) => expect(events).to.equal(index % 2 === 0 ? 2 : 3));
  });
});

describe('trace book', () => {
  it('forgets what is older than its retention', () => {
    let nowMs = 0;
    const book = new TraceBook(() => nowMs);
    const token = book.establish(10);
    book.record('binding', 'add a 0');
    nowMs = 5_000;
    book.record('binding', 'add b 1');
    nowMs = 12_000;
    expect(book.fetch(token)?.binding).to.deep.equal(['add b 1']);
  });

  it('gives up the oldest token when there are too many', () => {
    const book = new TraceBook(() => 0);
    const tokens = Array.from({ length: 300 }, () => book.establish(10));
    expect(book.fetch(tokens[0]!)).to.equal(undefined);
    expect(book.fetch(tokens[299]!)).to.not.equal(undefined);
    expect(book.done(tokens[299]!)).to.equal(true);
    expect(book.done(tokens[299]!)).to.equal(false);
  });
});
