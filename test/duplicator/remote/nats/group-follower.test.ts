/** Which parcels a receiver over NATS applies. */
import { expect } from 'chai';
import fc from 'fast-check';
import { GroupFollower } from '../../../../duplicator/remote/nats/group-follower.js';
import { ParcelBits, type Parcel } from '../../../../protocol/nats/parcel.js';

const EPOCH = 5;
let groups = 0;

/** The parcels of one group. */
function group(follows: number, next: number, { bits = 0, parts = 1, epoch = EPOCH } = {}): Parcel[] {
  groups += 1;
  const head = { bits, epoch, follows, next, anchor: 0, group: groups };
  return Array.from({ length: parts }, (_, part) => ({ ...head, part, parts, content: Buffer.alloc(0) }));
}

function steps(follower: GroupFollower, parcels: readonly Parcel[]): string {
  return parcels.map((parcel) => follower.step(parcel)).join(' ');
}

describe('the follower of a flow over NATS', () => {
  it('a follower counts a group as received with its last part', () => {
    const follower = new GroupFollower(EPOCH, false, 10);
    const parcels = group(10, 12, { parts: 3 });
    expect(steps(follower, parcels.slice(0, 2))).to.equal('begin apply');
    expect(follower.next).to.equal(10);
    expect(steps(follower, parcels.slice(2))).to.equal('apply');
    expect(follower.next).to.equal(12);
    expect(steps(follower, parcels)).to.equal('double double double');
  });

  it('applies a group with a lost part only from its beginning', () => {
    const follower = new GroupFollower(EPOCH, false, 0);
    const parcels = group(0, 1, { parts: 3 });
    const [first, , third] = parcels as [Parcel, Parcel, Parcel];
    expect(steps(follower, [first, third])).to.equal('begin gap');
    expect(steps(follower, parcels)).to.equal('begin apply apply');
  });

  it('a follower accepts a group of buffers that overlaps and refuses one behind a gap', () => {
    const follower = new GroupFollower(EPOCH, false, 10);
    expect(steps(follower, group(8, 12))).to.equal('begin');
    expect(steps(follower, group(13, 14))).to.equal('gap');
    follower.skipTo(13);
    expect(steps(follower, group(13, 14))).to.equal('begin');
  });

  it('applies a delta of a mirror to the publication that it builds upon, a key frame to any', () => {
    const follower = new GroupFollower(EPOCH, true, 10);
    expect(steps(follower, group(8, 12))).to.equal('gap');
    expect(steps(follower, group(12, 14))).to.equal('gap');
    follower.skipTo(12);
    expect(follower.next).to.equal(10);
    expect(steps(follower, group(0, 13, { bits: ParcelBits.KEY }))).to.equal('begin');
    expect(steps(follower, group(13, 14))).to.equal('begin');
    expect(steps(follower, group(0, 14, { bits: ParcelBits.KEY }))).to.equal('double');
  });

  it('reports a parcel of another epoch', () => {
    const follower = new GroupFollower(EPOCH, true, 10);
    expect(steps(follower, group(10, 11, { epoch: 6 }))).to.equal('restarted');
  });

  it('applies every sequence once and in order, whatever is lost, doubled and read again', () => {
    const parts = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 });
    const luck = fc.array(fc.nat(99), { minLength: 36, maxLength: 36 });
    fc.assert(
      fc.property(parts, luck, (sizes, chances) => {
        const stream = sizes.flatMap((count, index) => group(index, index + 1, { parts: count }));
        const follower = new GroupFollower(EPOCH, false, 0);
        const applied: string[] = [];
        const take = (parcel: Parcel): string => {
          const step = follower.step(parcel);
          // What arrived of the group before is discarded.
          if (step === 'begin') while (applied.at(-1)?.startsWith(`${parcel.next}/`) === true) applied.pop();
          if (step === 'begin' || step === 'apply') applied.push(`${parcel.next}/${parcel.part}`);
          return step;
        };
        for (const [index, parcel] of stream.entries()) {
          const chance = chances[index] ?? 0;
          if (chance < 25) continue;
          // What is missing is read again from the beginning of the stream.
          if (take(parcel) === 'gap') {
            follower.discardPart();
            for (const stored of stream.slice(0, index + 1)) take(stored);
          }
          if (chance > 80) take(parcel);
        }
        follower.discardPart();
        for (const stored of stream) take(stored);
        expect(applied).to.deep.equal(stream.map(({ next, part }) => `${next}/${part}`));
      }),
    );
  });
});
