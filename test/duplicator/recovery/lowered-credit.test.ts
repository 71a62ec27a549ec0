/** Credit that the duplicator lowers for a consumer while the provider claims slots. */
import { expect } from 'chai';
import { OutputRing } from '../../../client-lib/output/output-ring.js';
import type { RingSlot } from '../../../client-lib/output/ring-slot.js';
import { verify } from '../../../duplicator/recovery/examine.js';
import { ProviderClaim } from '../../../duplicator/serving/provider-claim.js';
import { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import type { LinkConnection } from '../../../protocol/flow/signal-link/link.js';
import { LINK_VERSION } from '../../../protocol/flow/signal-link/messages.js';
import { DeadFile, SLOTS } from './dead-file.js';

/** Slots are committed through the ring only. */
const NO_OWNER = { commit: () => undefined, abandon: () => undefined };
const KILLED = new Error('the duplicator was killed here');

describe('credit that is lowered while the provider claims slots', () => {
  let dead: DeadFile;
  let file: FlowFile;
  let provider: OutputRing;
  let claim: ProviderClaim;
  afterEach(() => dead.remove());

  beforeEach(() => {
    dead = new DeadFile(SLOTS);
    ({ file } = dead);
    file.lowerClaimed(SLOTS);
    claim = new ProviderClaim(file, () => Number.POSITIVE_INFINITY);
    provider = new OutputRing(file, 1, NO_OWNER);
  });

  /** Runs `before` and `after` around each store of a lower credit. */
  function aroundLowering(before: () => void, after: () => void): void {
    Object.defineProperty(file, 'lowerGranted', {
      configurable: true,
      value(count: number) {
        before();
        FlowFile.prototype.lowerGranted.call(file, count);
        after();
      },
    });
  }

  /** Runs `action` after load number `which` of `claimed`. */
  function afterLoadOfClaimed(which: number, action: () => void): void {
    let loads = 0;
    Object.defineProperty(file, 'claimed', {
      configurable: true,
      get() {
        const claimed = Reflect.get(FlowFile.prototype, 'claimed', file) as number;
        loads += 1;
        if (loads === which) action();
        return claimed;
      },
      set(count: number) {
        Reflect.set(FlowFile.prototype, 'claimed', count, file);
      },
    });
  }

  it('a consumer begins behind a claim that is withdrawn and stored again while its start is computed', () => {
    // A provider has claimed a slot beyond the credit that it loads, and withdraws the claim.
    file.claimed = SLOTS + 1;
    const withdraw = (): void => file.lowerClaimed(SLOTS);
    aroundLowering(() => undefined, withdraw);
    afterLoadOfClaimed(2, () => expect(provider.reserve()).not.to.equal(undefined));
    const first = claim.oldest(0, true);
    expect(file.holds(0), 'the provider has cleared the slot of sequence 0').to.equal(false);
    expect(first).to.equal(1);
    for (let sequence = first; sequence < SLOTS; sequence += 1) expect(file.holds(sequence)).to.equal(true);
    expect(file.granted).to.equal(SLOTS + 1);
  });

  it('a file whose credit a killed duplicator had lowered below what the provider publishes is sound', () => {
    let slot: RingSlot | undefined;
    aroundLowering(
      () => (slot = provider.reserve()),
      () => {
        throw KILLED;
      },
    );
    expect(() => claim.oldest(0, true)).to.throw(KILLED.message);
    provider.commit(slot!, 1, 0, 0);
    provider.publish();
    expect([file.granted, file.published]).to.deep.equal([SLOTS, SLOTS + 1]);
    expect(verify(dead.path)).to.deep.include({ verdict: 'sound' });
    // The successor: the provider reattaches and has credit again.
    Reflect.deleteProperty(file, 'lowerGranted');
    const successor = new ProviderClaim(file, () => Number.POSITIVE_INFINITY);
    const hello = {
      role: 'provider',
      delivery: 'lossless',
      start: 'sequence',
      version: LINK_VERSION,
    } as const;
    const link = { signal: () => undefined } as unknown as LinkConnection;
    expect(successor.take(link, hello, successor.generation)).to.equal(true);
    expect(file.granted).to.equal(2 * SLOTS + 1);
    expect(successor.published(SLOTS + 1)).to.equal(true);
  });

  it('a file whose credit is below one ring is to be replaced', () => {
    file.lowerGranted(SLOTS - 1);
    expect(verify(dead.path)).to.deep.include({ verdict: 'replace' });
  });

  it('a file whose credit is below what is published without a claim is to be replaced', () => {
    dead.commit();
    dead.ring.publish();
    file.lowerGranted(SLOTS);
    expect(verify(dead.path)).to.deep.include({ verdict: 'replace' });
  });
});
