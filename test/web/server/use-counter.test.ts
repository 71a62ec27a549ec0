/** Counting the users of a shared resource. Pure. */
import { expect } from 'chai';
import { UseCounter } from '../../../web/server/use-counter.js';

describe('a use counter', () => {
  it('a resource is in use until each of its users has released it once', () => {
    const inUseAtRelease: boolean[] = [];
    const counter: UseCounter = new UseCounter(() => inUseAtRelease.push(counter.inUse));
    const [first, second] = [counter.acquire(), counter.acquire()];
    first();
    first();
    expect(counter.inUse).to.equal(true);
    second();
    expect(counter.inUse).to.equal(false);
    expect(inUseAtRelease).to.deep.equal([true, false]);
  });
});
