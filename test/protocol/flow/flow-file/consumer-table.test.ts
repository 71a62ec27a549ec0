/** The consumer table of a flow file: what a row holds, and what a reader of the file sees. */
import { expect } from 'chai';
import type { ConsumerRow } from '../../../../protocol/flow/flow-file/consumer-table.js';
import {
  CONSUMER_CAPACITY,
  CONSUMER_ROW,
  CONSUMER_STATE,
  HEADER,
} from '../../../../protocol/flow/flow-file/layout.js';
import { openFlowHeader } from '../../../../protocol/flow/flow-file/open.js';
import { Place } from './place.js';

const CONSUMER: ConsumerRow = {
  client: 0x7fff_fff1,
  pid: 4_194_303,
  delivery: 'lossy',
  paused: true,
  remote: false,
  acknowledged: 2 ** 40 + 1,
  missed: 2 ** 33 + 2,
  holds: 3,
  heldUs: 2 ** 34 + 4,
  holdingSinceUs: 1_700_000_000_000_005,
};

describe('the consumer table of a flow file', () => {
  let place: Place;

  beforeEach(() => (place = new Place()));
  afterEach(() => place.remove());

  it('a new flow file has no consumers', () => {
    expect(place.create().consumers.all()).to.deep.equal([]);
  });

  it('a reader of the file gets every figure of every row, and nothing of a row that was left', () => {
    const { consumers, path } = place.create();
    const reader = openFlowHeader(path).consumers;
    for (let row = 0; row < CONSUMER_CAPACITY; row += 1)
      consumers.enter(row, { ...CONSUMER, client: row, remote: row % 2 === 1 });
    expect(reader.all().map(({ client, remote }) => [client, remote])).to.deep.equal(
      Array.from({ length: 64 }, (_, row) => [row, row % 2 === 1]),
    );
    consumers.clear(0);
    consumers.clear(63);
    expect(reader.row(0)).to.equal(undefined);
    expect(reader.all().map(({ client }) => client)).to.deep.equal(
      Array.from({ length: 62 }, (_, row) => row + 1),
    );
    consumers.enter(0, CONSUMER);
    expect(reader.row(0)).to.deep.equal(CONSUMER);
  });

  it('a changed figure leaves the others of its row and of its neighbours alone', () => {
    const { consumers } = place.create();
    for (const row of [4, 5, 6]) consumers.enter(row, CONSUMER);
    consumers.setAcknowledged(5, 7);
    consumers.setMissed(5, 8);
    consumers.setHolding(5, 9, 10, 0);
    consumers.setState(5, { delivery: 'lossless', paused: false, remote: false });
    expect(consumers.row(5)).to.deep.equal({
      ...CONSUMER,
      delivery: 'lossless',
      paused: false,
      acknowledged: 7,
      missed: 8,
      holds: 9,
      heldUs: 10,
      holdingSinceUs: 0,
    });
    expect([consumers.row(4), consumers.row(6)]).to.deep.equal([CONSUMER, CONSUMER]);
  });

  it('a row without the bit that it is taken is free, whatever else it says', () => {
    const { consumers, bytes } = place.create();
    consumers.enter(1, CONSUMER);
    bytes.writeUInt32LE(
      bytes.readUInt32LE(HEADER.consumers + 64) & ~CONSUMER_STATE.taken,
      HEADER.consumers + 64,
    );
    expect(bytes.readUInt32LE(HEADER.consumers + 64)).to.be.above(0);
    expect(consumers.all()).to.deep.equal([]);
  });

  it('a row has the documented bytes', () => {
    const { consumers, bytes } = place.create();
    consumers.enter(1, CONSUMER);
    const row = bytes.subarray(HEADER.consumers + 64, HEADER.consumers + 128);
    expect([0, 4, 8, 12].map((at) => row.readUInt32LE(at))).to.deep.equal([7, 0x7fff_fff1, 4_194_303, 0]);
    expect([16, 24, 32, 40, 48, 56].map((at) => Number(row.readBigUInt64LE(at)))).to.deep.equal([
      2 ** 40 + 1,
      2 ** 33 + 2,
      3,
      2 ** 34 + 4,
      1_700_000_000_000_005,
      0,
    ]);
    expect(CONSUMER_ROW.bytes).to.equal(64);
  });
});
