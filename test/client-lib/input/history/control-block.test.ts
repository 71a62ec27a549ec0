/**
 * Tests the control block of a history, the 32-bit words that its two threads share: the place of
 * each word, and that no two of them overlap. Pure: shared memory of this process only.
 */
import { expect } from 'chai';
import {
  BUFFER,
  CONTROL,
  ControlBlock,
  MAIN_WAITS,
} from '../../../../client-lib/input/history/control-block.js';

/** A cache line has 64 bytes. */
const WORDS_PER_CACHE_LINE = 16;

describe('the control block of a history', () => {
  it('every control word has its documented place', () => {
    expect(CONTROL).to.deep.equal({
      readyTail: 0,
      readyHead: 16,
      freeTail: 32,
      freeHead: 48,
      mainWaits: 64,
      ended: 65,
      threadWaits: 80,
      wakeBelow: 81,
      reportBelow: 82,
      paused: 83,
      capacity: 96,
      target: 97,
      lost: 98,
      lostReported: 100,
      newestSegment: 101,
      idle: 102,
    });
  });

  it('no two control words overlap, and none reaches into the queues', () => {
    const block = ControlBlock.create(8);
    const words = Object.entries(CONTROL).flatMap(([name, word]) =>
      name === 'lost' ? [word, word + 1] : [word],
    );
    expect(new Set(words).size).to.equal(words.length);
    for (const word of words) expect(word).to.be.below(block.readyEntries);
    // Words written at high rate by different threads do not share a cache line.
    const lines = [CONTROL.readyTail, CONTROL.readyHead, CONTROL.freeTail, CONTROL.freeHead];
    expect(new Set(lines.map((word) => Math.floor(word / WORDS_PER_CACHE_LINE))).size).to.equal(4);
  });

  it('no two states of a buffer are the same, nor two ways to wait', () => {
    for (const states of [BUFFER, MAIN_WAITS]) {
      const numbers = Object.values(states);
      expect(new Set(numbers).size).to.equal(numbers.length);
    }
  });

  it('queues, states and words of a block are distinct memory of exactly its size', () => {
    const block = ControlBlock.create(5);
    expect(block.limit).to.equal(8);
    expect(block.freeEntries - block.readyEntries).to.equal(8);
    for (let index = 0; index < block.limit; index += 1) {
      block.store(block.readyEntries + index, 100 + index);
      block.store(block.freeEntries + index, 200 + index);
      block.setState(index, 1 + (index % 6));
    }
    block.lost = 2 ** 40 + 3;
    block.store(CONTROL.lostReported, 1);
    const other = ControlBlock.attach(block.memory);
    expect(other.limit).to.equal(8);
    for (let index = 0; index < block.limit; index += 1) {
      expect(other.load(other.readyEntries + index)).to.equal(100 + index);
      expect(other.peek(other.freeEntries + index)).to.equal(200 + index);
      expect(other.state(index)).to.equal(1 + (index % 6));
    }
    expect([other.lost, other.load(CONTROL.lostReported)]).to.deep.equal([2 ** 40 + 3, 1]);
    expect(block.memory.byteLength).to.equal((block.freeEntries + 2 * block.limit) * 4);
  });

  it('buffers retire only while the capacity is above the target', () => {
    const block = ControlBlock.create(4);
    block.addCapacity(4);
    block.store(CONTROL.target, 2);
    expect([block.retireOne(), block.retireOne(), block.retireOne()]).to.deep.equal([true, true, false]);
    expect(block.load(CONTROL.capacity)).to.equal(2);
  });
});
