/** The credit of a flow's writer, on a flow file that no duplicator serves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ReattachmentTracker } from '../../../duplicator/recovery/reattachment-tracker.js';
import type { Consumer } from '../../../duplicator/serving/consumer-registry.js';
import { ConsumerRows } from '../../../duplicator/serving/consumer-rows.js';
import { FlowConsumers } from '../../../duplicator/serving/flow-consumers.js';
import { WriterCredit } from '../../../duplicator/serving/writer-credit.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import type { LinkConnection } from '../../../protocol/flow/signal-link/link.js';
import { LINK_VERSION } from '../../../protocol/flow/signal-link/messages.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { silent } from '../../kit/silent-log.js';
import { smallFlowFile } from '../recovery/small-flow-file.js';

const STALL_TIMEOUT_MS = 100;

describe('WriterCredit', () => {
  let directory: string;
  let file: FlowFile;
  let writer: RingWriter;
  let clock: ManualClock;
  let consumers: FlowConsumers;
  let stalled: number[];
  let slots: number;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = smallFlowFile(directory);
    slots = file.geometry.slotCount;
    writer = new RingWriter(file);
    clock = new ManualClock();
    stalled = [];
    const reattachments = new ReattachmentTracker({
      file,
      expected: 0,
      reattachMs: 1,
      stallTimeoutMs: () => 0,
      clock,
      log: silent,
      onComplete: () => undefined,
    });
    consumers = new FlowConsumers(new ConsumerRows(file, clock), reattachments, () => undefined);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function creditOf(writes: 'a provider' | 'the duplicator'): WriterCredit {
    return new WriterCredit({
      file,
      consumers,
      clock,
      local: writes === 'a provider',
      openSlots: 0,
      stallTimeoutMs: STALL_TIMEOUT_MS,
      onStalled: (consumer: Consumer) => {
        consumer.delivery = 'lossy';
        stalled.push(consumer.id);
      },
    });
  }

  function claim(credit: WriterCredit): void {
    const link = { signal: () => undefined } as unknown as LinkConnection;
    const hello = { role: 'provider', delivery: 'lossless', start: 'latest', version: LINK_VERSION } as const;
    expect(credit.claim?.take(link, hello)).to.equal(true);
  }

  function publish(count: number): void {
    for (let buffer = 0; buffer < count; buffer += 1) {
      writer.begin();
      writer.commit(1, 0);
    }
    writer.publish();
  }

  const ids = (credit: WriterCredit): number[] => [...credit.blocking()].map(({ id }) => id);

  it('only lossless consumers a whole ring behind hold a provider back', () => {
    const credit = creditOf('a provider');
    claim(credit);
    publish(slots);
    consumers.registry.add(1, 'lossless', 0);
    consumers.registry.add(2, 'lossless', 1);
    consumers.registry.add(3, 'lossless', slots);
    consumers.registry.add(4, 'lossy', 0);
    expect(ids(credit)).to.deep.equal([1]);
    consumers.registry.acknowledge(1, 1, slots, true);
    expect(ids(credit)).to.deep.equal([]);
    credit.close();
  });

  it('no consumer holds a flow back that has no provider', () => {
    const credit = creditOf('a provider');
    publish(slots);
    consumers.registry.add(1, 'lossless', 0);
    expect(ids(credit)).to.deep.equal([]);
    credit.close();
  });

  it('a consumer that is up to date is never demoted, however long it is idle', () => {
    const credit = creditOf('a provider');
    claim(credit);
    publish(slots);
    consumers.registry.add(1, 'lossless', slots);
    consumers.registry.add(2, 'lossless', slots - 1);
    credit.grant();
    clock.advance(100 * STALL_TIMEOUT_MS);
    credit.grant();
    expect(stalled).to.deep.equal([]);
    expect(clock.delaysMs).to.deep.equal([]);
    credit.close();
  });

  it('a consumer a whole ring behind is demoted when the stall timeout is over', () => {
    const credit = creditOf('a provider');
    claim(credit);
    publish(slots);
    consumers.registry.add(1, 'lossless', 0);
    consumers.registry.add(2, 'lossless', slots);
    credit.grant();
    clock.advance(STALL_TIMEOUT_MS - 1);
    expect(stalled).to.deep.equal([]);
    clock.advance(1);
    expect(stalled).to.deep.equal([1]);
    credit.close();
  });

  it('the duplicator waits exactly for the consumers that need the slot of its next sequence', async () => {
    const credit = creditOf('the duplicator');
    consumers.registry.add(1, 'lossless', 0);
    consumers.registry.add(2, 'lossless', 1);
    consumers.registry.add(3, 'lossy', 0);
    expect(credit.limit).to.equal(slots);
    await credit.wait(slots - 1);
    expect([credit.stalls, ids(credit)]).to.deep.equal([0, []]);
    let waited = false;
    const waiting = credit.wait(slots).then(() => (waited = true));
    expect([credit.stalls, ids(credit)]).to.deep.equal([1, [1]]);
    credit.grant();
    await Promise.resolve();
    expect(waited).to.equal(false);
    consumers.registry.acknowledge(1, 1, slots, true);
    credit.grant();
    await waiting;
    expect(ids(credit)).to.deep.equal([]);
    credit.close();
  });

  it('waits for credit end when the flow closes, and leave no timer', async () => {
    const credit = creditOf('the duplicator');
    consumers.registry.add(1, 'lossless', 0);
    const waiting = credit.wait(slots);
    expect(clock.delaysMs).to.deep.equal([STALL_TIMEOUT_MS]);
    credit.close();
    credit.grant();
    await waiting;
    expect(clock.delaysMs).to.deep.equal([]);
  });
});
