/** Acknowledgements of an inline reader, over a link that only records them. */
import { expect } from 'chai';
import type { ConsumerLink } from '../../../client-lib/input/consumer-link.js';
import { ReadingPosition } from '../../../client-lib/input/reading-position.js';

const SLOTS = 8;

describe('ReadingPosition', () => {
  let sent: [sequence: number, waits: boolean][];
  let reader: { next: number };
  let position: ReadingPosition;

  beforeEach(() => {
    sent = [];
    reader = { next: 0 };
    const link = {
      file: { geometry: { slotCount: SLOTS } },
      reader,
      acknowledge: (sequence: number, waits: boolean) => sent.push([sequence, waits]),
    };
    position = new ReadingPosition(link as unknown as ConsumerLink);
  });

  function read(count: number): void {
    for (let buffer = 0; buffer < count; buffer += 1) {
      reader.next += 1;
      position.advanced();
    }
  }

  it('an acknowledgement repeats the request for a signal that a waiting take has made', async () => {
    expect(position.arm()).to.equal(true);
    read(SLOTS / 4); // a poll beside the take
    position.drained();
    await Promise.resolve();
    expect(sent).to.deep.equal([
      [0, true],
      [2, true],
    ]);
    position.disarm(); // the signal has arrived
    read(SLOTS / 4);
    expect(sent.at(-1)).to.deep.equal([4, false]);
  });

  it('a reader that is awake acknowledges each quarter of the ring, and the rest when it has drained the ring', async () => {
    read(5);
    expect(sent).to.deep.equal([
      [2, false],
      [4, false],
    ]);
    position.drained();
    await Promise.resolve();
    expect(sent.at(-1)).to.deep.equal([5, false]);
  });
});
