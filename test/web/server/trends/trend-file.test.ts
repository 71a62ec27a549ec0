/** The bytes of the files of trends: what is written is read, and damage costs what it must. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  decodeFile,
  encodeRecord,
  FILE_MAGIC,
  type TrendRecord,
} from '../../../../web/server/trends/trend-file.js';

const number = fc.float({ noNaN: false });
const point = fc.record({ mean: number, low: number, high: number });
const record: fc.Arbitrary<TrendRecord> = fc.oneof(
  fc.record({ kind: fc.constant('columns' as const), keys: fc.array(fc.string()) }),
  fc.record({
    kind: fc.constant('minute' as const),
    minute: fc.nat(2 ** 31),
    points: fc.array(point, { maxLength: 100 }),
  }),
);

const fileOf = (records: readonly TrendRecord[]): Buffer =>
  Buffer.concat([FILE_MAGIC, ...records.map(encodeRecord)]);

describe('files of trends', () => {
  it('what is encoded is decoded, also with NaN and negative zero', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), (records) => {
        const bytes = fileOf(records);
        expect(decodeFile(bytes)).to.deep.equal({ records, soundBytes: bytes.length, damaged: 0 });
      }),
    );
  });

  it('a file that was cut anywhere has all records before the cut', () => {
    const records: TrendRecord[] = [
      { kind: 'columns', keys: ['a'] },
      { kind: 'minute', minute: 7, points: [{ mean: 1, low: 0, high: 2 }] },
    ];
    const bytes = fileOf(records);
    for (let length = 0; length < bytes.length; length += 1) {
      const { records: found, soundBytes } = decodeFile(bytes.subarray(0, length));
      expect(soundBytes).to.be.at.most(length);
      expect(found).to.deep.equal(records.slice(0, found.length));
    }
  });

  it('a flipped bit costs at most the records that it hits, and never throws', () => {
    const records: TrendRecord[] = Array.from({ length: 4 }, (_, minute) => ({
      kind: 'minute',
      minute,
      points: [{ mean: minute, low: minute, high: minute }],
    }));
    const bytes = fileOf(records);
    for (let bit = FILE_MAGIC.length * 8; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      for (const found of decodeFile(damaged).records) expect(records).to.deep.include(found);
    }
  });

  it('a foreign file has no sound byte', () => {
    expect(decodeFile(Buffer.from('not a file of trends at all')).soundBytes).to.equal(0);
    expect(decodeFile(Buffer.alloc(0)).soundBytes).to.equal(0);
  });

  it('thirty days of a hundred trends take less than 100 MB', () => {
    const points = Array.from({ length: 100 }, () => ({ mean: 1, low: 0, high: 2 }));
    const minute = encodeRecord({ kind: 'minute', minute: 30_000_000, points }).length;
    const keys = Array.from({ length: 100 }, () => 'x'.repeat(500));
    const columns = encodeRecord({ kind: 'columns', keys }).length;
    expect(30 * (1_440 * minute + columns)).to.be.below(100e6);
  });
});
