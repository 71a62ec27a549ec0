/** Groups of frames cut into NATS messages and joined again. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  PARCEL_HEAD_BYTES,
  decodeParcel,
  encodeParcels,
  type GroupHead,
  type Parcel,
} from '../../../protocol/nats/parcel.js';

const HEAD: GroupHead = { bits: 1, epoch: 7, follows: 3, next: 9, anchor: 2 ** 40, group: 2 ** 32 - 1 };

function decoded(bytes: Buffer): Parcel {
  const parcel = decodeParcel(bytes);
  if (typeof parcel === 'string') throw new Error(parcel);
  return parcel;
}

describe('parcels of a group', () => {
  it('parcels contain the frames of a group in order, none above the limit, for all sizes', () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 128 }), (some, room) => {
        const limit = PARCEL_HEAD_BYTES + room;
        const buffers = some.map((one) => Buffer.from(one));
        const parcels = encodeParcels(HEAD, buffers, limit);
        const all = parcels.map((one) => decoded(one));
        expect(parcels.every(({ length }) => length <= limit)).to.equal(true);
        expect(all.map(({ part }) => part)).to.deep.equal([...parcels.keys()]);
        expect(all.every(({ parts }) => parts === parcels.length)).to.equal(true);
        expect(Buffer.concat(all.map(({ content }) => content)).equals(Buffer.concat(buffers))).to.equal(
          true,
        );
      }),
    );
  });

  it('parcels carry all numbers of their group', () => {
    const [bytes] = encodeParcels(HEAD, [], 100) as [Buffer];
    expect(decoded(bytes)).to.deep.equal({ ...HEAD, part: 0, parts: 1, content: Buffer.alloc(0) });
  });

  it('a damaged parcel is refused with its defect', () => {
    const [bytes] = encodeParcels(HEAD, [], 100) as [Buffer];
    const damaged = (at: number, value: number): unknown => {
      const copy = Buffer.from(bytes);
      copy[at] = value;
      return decodeParcel(copy);
    };
    expect(decodeParcel(bytes.subarray(0, 20))).to.equal('a parcel has 20 bytes');
    expect(damaged(0, 0)).to.equal('a parcel does not begin with MFPC');
    expect(damaged(4, 9)).to.equal('a parcel has version 9; this program uses version 1');
    expect(damaged(6, 0xf0)).to.equal('a parcel has unknown bits 240');
    expect(damaged(15, 0xff)).to.equal('a parcel has a number above 2^53 - 1');
    expect(damaged(44, 5)).to.equal('a parcel claims to be number 5 of 1');
    expect(damaged(24, 1)).to.equal('a parcel leads from sequence 3 back to 1');
  });

  it('random bytes in the place of a parcel are a defect and never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (garbage) => {
        expect(typeof decodeParcel(Buffer.from(garbage))).to.equal('string');
      }),
    );
  });
});
