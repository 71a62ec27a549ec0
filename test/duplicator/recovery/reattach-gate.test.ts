/** The gate that holds the credit after a take-over, with a manual clock. */
import { expect } from 'chai';
import { REATTACH_MS, ReattachGate } from '../../../duplicator/recovery/reattach-gate.js';
import { ManualClock } from '../../kit/manual-clock.js';

describe('ReattachGate', () => {
  const gateFor = (expected: number): { gate: ReattachGate; clock: ManualClock; opened: () => number } => {
    let openings = 0;
    const clock = new ManualClock();
    const gate = new ReattachGate(expected, 7, clock, () => (openings += 1));
    return { gate, clock, opened: () => openings };
  };

  it('the gate stays closed until the last expected consumer reattaches', () => {
    const { gate, opened } = gateFor(2);
    gate.reattached();
    expect(gate.floor).to.equal(7);
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
    expect(gate.floor).to.equal(7);
    gate.reattached();
    expect(gate.floor).to.equal(Number.POSITIVE_INFINITY);
  });

  it('a consumer that reattaches twice counts once', () => {
    const { gate } = gateFor(2);
    gate.reattached();
    gate.detached();
    gate.reattached();
    expect([gate.floor, gate.expected]).to.deep.equal([7, 1]);
    gate.livingAtMost(2);
    expect(gate.floor).to.equal(7);
    gate.reattached();
    expect([gate.floor, gate.expected]).to.deep.equal([Number.POSITIVE_INFINITY, 0]);
  });

  it('a larger number of living consumers does not raise the number of expected ones', () => {
    const { gate } = gateFor(1);
    gate.livingAtMost(5);
    gate.reattached();
    expect(gate.floor).to.equal(Number.POSITIVE_INFINITY);
  });
});
