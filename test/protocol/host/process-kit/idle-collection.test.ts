/** Garbage of an idle process is collected; a busy one is left alone. */
import { expect } from 'chai';
import { collectWhenIdle } from '../../../../protocol/host/process-kit/idle-collection.js';
import { ManualClock } from '../../../kit/manual-clock.js';

const INTERVAL_MS = 5_000;
const MIB = 1024 * 1024;

describe('collection of garbage', () => {
  let clock: ManualClock;
  let cpuMs: number;
  let heapBytes: number;
  let collections: number;

  beforeEach(() => {
    clock = new ManualClock();
    cpuMs = 100;
    heapBytes = 8 * MIB;
    collections = 0;
    const collect = (): void => {
      collections += 1;
      cpuMs += 200;
      heapBytes = 6 * MIB;
    };
    collectWhenIdle({ cpuMs: () => cpuMs, heapBytes: () => heapBytes, collect }, clock);
  });

  it('happens twice after the start, when the process is idle', () => {
    clock.advance(INTERVAL_MS);
    expect(collections).to.equal(1);
    clock.advance(INTERVAL_MS);
    expect(collections).to.equal(2);
    clock.advance(INTERVAL_MS);
    expect(collections).to.equal(2);
  });

  it('waits while the process is busy', () => {
    cpuMs += 500;
    clock.advance(INTERVAL_MS);
    expect(collections).to.equal(0);
    clock.advance(INTERVAL_MS);
    expect(collections).to.equal(1);
  });

  it('happens again after the heap has grown', () => {
    clock.advance(INTERVAL_MS);
    clock.advance(INTERVAL_MS);
    clock.advance(INTERVAL_MS);
    expect(collections).to.equal(2);
    heapBytes += MIB;
    clock.advance(INTERVAL_MS);
    clock.advance(INTERVAL_MS);
    clock.advance(INTERVAL_MS);
    expect(collections).to.equal(4);
  });

  it('does not count its own processor time as work', () => {
    clock.advance(INTERVAL_MS);
    heapBytes += MIB;
    clock.advance(INTERVAL_MS);
    heapBytes += MIB;
    clock.advance(INTERVAL_MS);
    expect(collections).to.equal(3);
  });
});
