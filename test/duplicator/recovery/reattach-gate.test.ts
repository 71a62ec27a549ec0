import { expect } from 'chai';
import { REATTACH_MS, ReattachGate } from '../../../duplicator/recovery/reattach-gate.js';
import { ManualClock } from '../manual-clock.js';

describe('hold for the consumers of a dead duplicator', () => {
  const held = (expected: number): { hold: ReattachGate; clock: ManualClock; released: () => number } => {
    let releases = 0;
    const clock = new ManualClock();
    const hold = new ReattachGate(expected, 7, clock, () => (releases += 1));
    return { hold, clock, released: () => releases };
  };

  it('holds the floor until the last of them is back', () => {
    const { hold, released } = held(2);
    hold.returned();
    expect(hold.floor).to.equal(7);
    hold.returned();
    expect(hold.floor).to.equal(Number.POSITIVE_INFINITY);
    expect(released()).to.equal(1);
  });

  it('gives up whoever is not back in time', () => {
    const { hold, clock, released } = held(1);
    clock.advance(REATTACH_MS);
    expect(hold.floor).to.equal(Number.POSITIVE_INFINITY);
    expect(released()).to.equal(1);
  });

  it('waits for none that died with the duplicator', () => {
    const { hold, released } = held(1);
    hold.expectAtMost(0);
    expect(hold.floor).to.equal(Number.POSITIVE_INFINITY);
    expect(released()).to.equal(1);
  });

  it('still waits for those that live', () => {
    const { hold } = held(3);
    hold.expectAtMost(2);
    hold.returned();
    expect(hold.floor).to.equal(7);
    hold.returned();
    expect(hold.floor).to.equal(Number.POSITIVE_INFINITY);
  });

  it('does not take one who comes twice for two', () => {
    const { hold } = held(2);
    hold.returned();
    hold.left();
    hold.returned();
    expect([hold.floor, hold.missing]).to.deep.equal([7, 1]);
    hold.expectAtMost(2);
    expect(hold.floor).to.equal(7);
    hold.returned();
    expect([hold.floor, hold.missing]).to.deep.equal([Number.POSITIVE_INFINITY, 0]);
  });

  it('does not wait for more because more are there than there were', () => {
    const { hold } = held(1);
    hold.expectAtMost(5);
    hold.returned();
    expect(hold.floor).to.equal(Number.POSITIVE_INFINITY);
  });
});
