/** What the flow file shows of each consumer while its duplicator serves it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConsumerRegistry } from '../../../duplicator/serving/consumer-registry.js';
import { ConsumerRows } from '../../../duplicator/serving/consumer-rows.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { CONSUMER_CAPACITY } from '../../../protocol/flow/flow-file/layout.js';
import { ManualClock } from '../../kit/manual-clock.js';

describe('consumer rows', () => {
  let directory: string;
  let file: FlowFile;
  let clock: ManualClock;
  let rows: ConsumerRows;
  let registry: ConsumerRegistry;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = createFlowFile({
      path: join(directory, 'a.flow'),
      identity: { application: 'a', flow: 'a', type: 'bytes', properties: {} },
      slotCount: 4,
      payloadCapacity: 16,
      flags: 0,
      epoch: 1,
      mode: 0o600,
    });
    clock = new ManualClock();
    rows = new ConsumerRows(file, clock);
    registry = new ConsumerRegistry(rows);
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  const shown = () => file.consumers.all();

  it('a consumer that joins, acknowledges, pauses, becomes lossy and leaves shows so in the file', () => {
    const consumer = registry.add(1, 'lossless', 5);
    expect(shown()).to.deep.equal([]);
    rows.enter(consumer, 77, 1234);
    expect(shown()).to.deep.equal([
      {
        client: 77,
        pid: 1234,
        delivery: 'lossless',
        paused: false,
        remote: false,
        acknowledged: 5,
        missed: 0,
        holds: 0,
        heldUs: 0,
        holdingSinceUs: 0,
      },
    ]);
    registry.acknowledge(1, 8, 10, true);
    consumer.paused = true;
    consumer.delivery = 'lossy';
    expect(shown()[0]).to.include({ acknowledged: 8, paused: true, delivery: 'lossy' });
    consumer.paused = false;
    expect(shown()[0]).to.include({ paused: false });
    registry.remove(1);
    expect(shown()).to.deep.equal([]);
  });

  it('a consumer that holds the writer back is counted once, with the time until it acknowledges', () => {
    const [slow, fast] = [registry.add(1, 'lossless', 0), registry.add(2, 'lossless', 4)];
    rows.enter(slow, 1, 0);
    rows.enter(fast, 2, 0);
    rows.blocked([slow]);
    clock.advance(30);
    rows.blocked([slow]);
    expect(shown()[0]).to.include({ holds: 1, heldUs: 0 });
    expect(shown()[0]?.holdingSinceUs).to.be.above(1.7e15);
    expect(shown()[1]).to.include({ holds: 0, holdingSinceUs: 0 });
    clock.advance(20);
    registry.acknowledge(1, 0, 4, true); // repeated: no progress
    expect(shown()[0]?.holdingSinceUs).to.be.above(0);
    registry.acknowledge(1, 1, 4, true);
    expect(shown()[0]).to.include({ holds: 1, heldUs: 50_000, holdingSinceUs: 0, acknowledged: 1 });
    rows.blocked([slow]);
    clock.advance(5);
    slow.delivery = 'lossy';
    expect(shown()[0]).to.include({ holds: 2, heldUs: 55_000, holdingSinceUs: 0 });
  });

  it('a writer that leaves is held back no more', () => {
    const consumer = registry.add(1, 'lossless', 0);
    rows.enter(consumer, 1, 0);
    rows.blocked([consumer]);
    clock.advance(7);
    rows.writerLeft();
    expect(shown()[0]).to.include({ holds: 1, heldUs: 7_000, holdingSinceUs: 0 });
  });

  it('missed buffers add up over the range of the message', () => {
    const consumer = registry.add(1, 'lossy', 0);
    rows.enter(consumer, 1, 0);
    for (const low of [0, 3, 3, 2 ** 31 - 1, 2]) rows.reportedMissed(consumer, low);
    expect(shown()[0]?.missed).to.equal(2 ** 31 + 2);
    rows.reportedMissed(consumer, 10);
    expect(shown()[0]?.missed).to.equal(2 ** 31 + 10);
  });

  it('consumers beyond the rows have none, and take those that are left', () => {
    const all = Array.from({ length: CONSUMER_CAPACITY + 2 }, (_, index) => {
      const consumer = registry.add(index, 'lossless', index);
      rows.enter(consumer, index, 0);
      return consumer;
    });
    expect(shown()).to.have.length(CONSUMER_CAPACITY);
    rows.blocked(all);
    registry.acknowledge(CONSUMER_CAPACITY + 1, 1_000, 1_000, true);
    registry.remove(3);
    const next = registry.add(1_000, 'lossless', 1);
    rows.enter(next, 1_000, 0);
    expect(shown().map(({ client }) => client))
      .to.include(1_000)
      .and.have.length(CONSUMER_CAPACITY);
  });

  it('the rows of a dead owner are cleared', () => {
    rows.enter(registry.add(1, 'lossless', 0), 1, 0);
    const successor = new ConsumerRows(file, clock);
    expect(shown()).to.deep.equal([]);
    successor.enter(new ConsumerRegistry(successor).add(1, 'lossless', 2), 9, 0);
    expect(shown()[0]).to.include({ client: 9, acknowledged: 2 });
  });
});
