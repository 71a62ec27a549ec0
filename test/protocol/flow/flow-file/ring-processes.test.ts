/** The ring between a writing and a reading process: no buffer is torn or lost uncounted. */
import { expect } from 'chai';
import { openFlowFile } from '../../../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../../../protocol/flow/flow-file/ring-reader.js';
import { Place } from './place.js';
import { problemOf } from '../../../kit/checked-payload.js';
import { TestProcess } from '../../../kit/test-process.js';

const CAPACITY = 256;

describe('a ring between two processes', () => {
  let place: Place;
  let writer: TestProcess | undefined;
  beforeEach(() => {
    place = new Place();
  });
  afterEach(async () => {
    await writer?.kill();
    place.remove();
  });

  async function race(
    count: number,
    restartEvery: number,
  ): Promise<{ delivered: number; missed: number; torn: string[] }> {
    const { path } = place.create({ slotCount: 4, payloadCapacity: CAPACITY });
    writer = new TestProcess('test/fixtures/ring-writer', [path, String(count), String(restartEvery)]);
    expect(await writer.line()).to.equal('ready');
    const file = openFlowFile(path, 'read');
    const reader = new RingReader(file, 'oldest');
    const target = Buffer.alloc(CAPACITY);
    const torn: string[] = [];
    let delivered = 0;
    writer.writeLine('go');
    for (let spins = 0; ; spins += 1) {
      const ended = file.sourceState === 'ended';
      const outcome = reader.copy(target);
      if (outcome === 'ready') {
        delivered += 1;
        const problem = problemOf(target.subarray(0, reader.size), reader.epoch, reader.sequence);
        if (problem !== undefined) torn.push(problem);
        if (reader.timestampNs !== reader.sequence || reader.flags !== reader.epoch)
          torn.push('foreign metadata');
      } else if (outcome === 'restarted') reader.enterEpoch('oldest');
      else if (ended) break;
      // The turn goes round now and then, so that a writer that failed is noticed.
      if (spins % 20_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await writer.line()).to.equal(String(count));
    return { delivered, missed: reader.missed, torn };
  }

  it('a reader in another process gets or counts every buffer, and none is torn', async () => {
    const { delivered, missed, torn } = await race(400_000, 0);
    expect(torn).to.deep.equal([]);
    expect(delivered + missed).to.equal(400_000);
    expect(delivered).to.be.greaterThan(0);
  });

  it('a reader in another process gets no buffer under a wrong epoch', async () => {
    const { delivered, torn } = await race(200_000, 50);
    expect(torn).to.deep.equal([]);
    expect(delivered).to.be.greaterThan(0);
  });
});
