/**
 * Tests the gate that keeps the credit of the provider after a take-over, with a manual clock.
 * Pure.
 */
import { expect } from 'chai';
import { REATTACH_MS, ReattachGate } from '../../../duplicator/recovery/reattach-gate.js';
import { ManualClock } from '../../kit/manual-clock.js';

/** The first sequence that an expected consumer still needs. */
const FLOOR = 7;

describe('ReattachGate', () => {
  const gateFor = (expected: number): { gate: ReattachGate; clock: ManualClock; opened: () => number } => {
    let openings = 0;
    const clock = new ManualClock();
    const gate = new ReattachGate(expected, FLOOR, clock, () => (openings += 1));
    return { gate, clock, opened: () => openings };
  };

  it('the gate stays closed until the last expected consumer reattaches', () => {
    const { gate, opened } = gateFor(2);
    gate.reattached();
    expect(gate.floor).to.equal(FLOOR);
    gate.reattached();
    expect(gate.floor).to.equal(Number.POSITIVE_INFINITY);
    expect(opened()).to.equal(1);
  });

  it('the gate opens when the reattach time is over', () => {
    const { gate, clock, opened } = gateFor(1);
    clock.advance(REATTACH_MS);
    expect(gate.floor).to.equal(Number.POSITIVE_INFINITY);
    expect(opened()).to.equal(1);
  });

  it('the gate opens when no expected consumer lives', () => {
    const { gate, opened } = gateFor(1);
    gate.livingAtMost(0);
    expect(gate.floor).to.equal(Number.POSITIVE_INFINITY);
    expect(opened()).to.equal(1);
  });

  it('the gate stays closed for the consumers that live', () => {
    const { gate } = gateFor(3);
    gate.livingAtMost(2);
    gate.reattached();
    expect(gate.floor).to.equal(FLOOR);
    gate.reattached();
    expect(gate.floor).to.equal(Number.POSITIVE_INFINITY);
  });

  it('a consumer that reattaches twice counts once', () => {
    const { gate } = gateFor(2);
    gate.reattached();
    gate.detached();
    gate.reattached();
    expect([gate.floor, gate.expected]).to.deep.equal([FLOOR, 1]);
    gate.livingAtMost(2);
    expect(gate.floor).to.equal(FLOOR);
    gate.reattached();
    expect([gate.floor, gate.expected]).to.deep.equal([Number.POSITIVE_INFINITY, 0]);
  });

  it('a larger number of living consumers does not raise the number of expected ones', () => {
    const { gate } = gateFor(1);
    gate.livingAtMost(5);
    gate.reattached();
    expect(gate.floor).to.equal(Number.POSITIVE_INFINITY);
  });

  it('of three expected consumers, one that reattached and disconnects is expected again', () => {
    const { gate, opened } = gateFor(3);
    gate.reattached();
    gate.detached();
    expect([gate.floor, gate.expected]).to.deep.equal([FLOOR, 3]);
    gate.reattached();
    gate.reattached();
    expect([gate.floor, gate.expected, opened()]).to.deep.equal([FLOOR, 1, 0]);
    gate.reattached();
    expect([gate.floor, opened()]).to.deep.equal([Number.POSITIVE_INFINITY, 1]);
  });

  it('of three expected consumers, one that reattached and dies does not stand for another', () => {
    const { gate, opened } = gateFor(3);
    gate.reattached();
    gate.died();
    expect([gate.floor, gate.expected]).to.deep.equal([FLOOR, 2]);
    gate.reattached();
    expect([gate.floor, gate.expected, opened()]).to.deep.equal([FLOOR, 1, 0]);
    gate.reattached();
    expect([gate.floor, opened()]).to.deep.equal([Number.POSITIVE_INFINITY, 1]);
  });

  it('a postponed gate waits the whole reattach time again, an open one has no timer', () => {
    const { gate, clock, opened } = gateFor(1);
    clock.advance(REATTACH_MS - 1);
    gate.postpone();
    clock.advance(REATTACH_MS - 1);
    expect([gate.floor, opened()]).to.deep.equal([FLOOR, 0]);
    clock.advance(1);
    expect([gate.floor, opened()]).to.deep.equal([Number.POSITIVE_INFINITY, 1]);
    gate.postpone();
    expect(clock.delaysMs).to.deep.equal([]);
    expect(gateFor(0).clock.delaysMs).to.deep.equal([]);
    expect(gateFor(0).gate.floor).to.equal(Number.POSITIVE_INFINITY);
  });

  it('a stopped gate never opens', () => {
    const { gate, clock, opened } = gateFor(1);
    gate.stop();
    clock.advance(REATTACH_MS);
    expect([clock.delaysMs, opened()]).to.deep.equal([[], 0]);
  });
});
