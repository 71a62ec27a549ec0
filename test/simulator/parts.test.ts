/** Parts of the simulator: copy on write, delayed steps of events, traces. */
import { expect } from 'chai';
import { EventPump } from '../../simulator/event-pump.js';
import { CopyOnWriteMemory } from '../../simulator/copy-on-write-memory.js';
import { TraceLog } from '../../simulator/trace-log.js';
import { eventually } from '../kit/eventually.js';

describe('copy-on-write memory', () => {
  it('a change copies the memory only while it is borrowed', () => {
    let released = 0;
    const memory = new CopyOnWriteMemory(4, { tear: false, onReleased: () => released++ });
    memory.makeWritable()[0] = 1;
    const borrowed = memory.borrow();
    const second = memory.borrow();
    expect(borrowed.memory).to.equal(memory.current);
    memory.makeWritable()[0] = 2;
    memory.makeWritable()[0] = 3;
    expect([borrowed.memory[0], memory.current[0], memory.copies]).to.deep.equal([1, 3, 1]);
    expect(memory.isBorrowed).to.equal(false);
    second.release();
    borrowed.release();
    expect(released, 'releasing the old memory reports nothing').to.equal(0);
    const last = memory.borrow();
    last.release();
    last.release();
    expect([released, memory.isBorrowed, memory.copies]).to.deep.equal([1, false, 1]);
  });

  it('the memory is never copied when replies may tear', () => {
    const memory = new CopyOnWriteMemory(4, { tear: true, onReleased: () => undefined });
    const borrowed = memory.borrow();
    memory.makeWritable()[0] = 2;
    expect([borrowed.memory[0], memory.copies, memory.isBorrowed]).to.deep.equal([2, 0, false]);
  });
});

describe('event pump', () => {
  it('delayed steps of events are made after a few intervals, all of them', async () => {
    const steps: number[] = [];
    let isDelayed = true;
    const pump = new EventPump(2500, {
      intervalMs: 1,
      isDelayed: () => isDelayed,
      step: (events) => steps.push(events),
    });
    await eventually(() => steps.length > 0);
    expect(steps.length, 'several at once, since they were delayed').to.be.greaterThan(1);
    isDelayed = false;
    await eventually(() => steps.length > 20);
    pump.stop();
    // 2.5 events an interval: the halves are not lost.
    steps.forEach((events, index) => expect(events).to.equal(index % 2 === 0 ? 2 : 3));
  });
});

describe('trace log', () => {
  it('a trace drops changes that are older than its retention time', () => {
    let nowMs = 0;
    const log = new TraceLog(() => nowMs);
    const token = log.establish(10);
    log.record('binding', 'add a 0');
    nowMs = 5_000;
    log.record('binding', 'add b 1');
    nowMs = 12_000;
    expect(log.fetch(token)?.binding).to.deep.equal(['add b 1']);
  });

  it('the oldest trace ends when there are too many', () => {
    const log = new TraceLog(() => 0);
    const tokens = Array.from({ length: 300 }, () => log.establish(10));
    expect(log.fetch(tokens[0]!)).to.equal(undefined);
    expect(log.fetch(tokens[299]!)).to.not.equal(undefined);
    expect(log.done(tokens[299]!)).to.equal(true);
    expect(log.done(tokens[299]!)).to.equal(false);
  });
});
