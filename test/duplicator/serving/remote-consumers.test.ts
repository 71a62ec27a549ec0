/** Receivers of a flow on other hosts, without a socket: reattachment and retained positions. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConsumerRows } from '../../../duplicator/serving/consumer-rows.js';
import { FlowConsumers } from '../../../duplicator/serving/flow-consumers.js';
import { RemoteConsumers, type ReceiverConnection } from '../../../duplicator/serving/remote-consumers.js';
import { WriterCredit } from '../../../duplicator/serving/writer-credit.js';
import { ReattachmentTracker } from '../../../duplicator/recovery/reattachment-tracker.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { silent } from '../../kit/silent-log.js';

const RETAIN_MS = 100;
const PUBLISHED = 100;
const SLOTS = 12;
/** A new lossless consumer begins at PUBLISHED - SLOTS + OPEN_SLOTS, sequence 90. */
const OPEN_SLOTS = 2;

describe('RemoteConsumers', () => {
  let directory: string;
  const calls: string[] = [];
  let files = 0;
  let consumers: FlowConsumers;
  let clock: ManualClock;
  let remotes: RemoteConsumers;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });

  beforeEach(() => {
    calls.length = 0;
    clock = new ManualClock();
    const file = createFlowFile({
      path: join(directory, `flow${(files += 1)}`),
      identity: { application: 'test', flow: 'numbers', type: 'bytes', properties: {} },
      slotCount: SLOTS,
      payloadCapacity: 64,
      flags: 0,
      epoch: 1,
      mode: 0o600,
    });
    const ring = new RingWriter(file);
    for (let sequence = 0; sequence < PUBLISHED; sequence += 1) {
      ring.begin();
      ring.commit(1, 0);
    }
    ring.publish();
    const reattachments = new ReattachmentTracker({
      file,
      expected: 0,
      reattachMs: RETAIN_MS,
      stallTimeoutMs: () => 0,
      clock,
      log: silent,
      onComplete: () => undefined,
    });
    reattachments.enterRemote = () => calls.push('enter') > 0;
    reattachments.leaveRemote = () => void calls.push('leave');
    consumers = new FlowConsumers(new ConsumerRows(file, clock), reattachments, () => undefined);
    const credit = new WriterCredit({
      file,
      consumers,
      clock,
      local: false,
      openSlots: OPEN_SLOTS,
      stallTimeoutMs: 0,
      onStalled: () => undefined,
    });
    remotes = new RemoteConsumers(file, consumers, credit, clock, RETAIN_MS);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const receiver = (onClose: () => void = () => undefined): ReceiverConnection => ({
    published: () => undefined,
    stateChanged: () => undefined,
    demoted: () => undefined,
    close: onClose,
    peer: 'there',
    sentBytes: 0,
  });
  const request = (id: string, resume: number) => ({ id, delivery: 'lossless', resume }) as const;
  const slowest = (): number => consumers.registry.slowest();
  const lossless = (): number => consumers.registry.countLossless().remote;

  it('a receiver counts as reattached once, however often its connection is cut', () => {
    for (let links = 0; links < 3; links += 1) remotes.join(request('c', 80), receiver()).leave(false);
    expect(calls).to.deep.equal(['enter']);
    remotes.join(request('c', 80), receiver()).leave(true);
    expect(calls).to.deep.equal(['enter', 'leave']);
    expect(lossless()).to.equal(0);
  });

  it('a receiver that reconnects before its dead connection was noticed keeps its position', () => {
    const first = remotes.join(request('c', 95), receiver());
    const heldAtClose: number[] = [];
    const old = remotes.join(
      request('d', 80),
      receiver(() => {
        old.leave(true); // as a connection that sends BYE does
        heldAtClose.push(slowest());
      }),
    );
    expect(old.consumer.acknowledged).to.equal(90);
    const again = remotes.join(request('d', 90), receiver());
    expect(heldAtClose).to.deep.equal([90]);
    expect([again.consumer.acknowledged, slowest()]).to.deep.equal([90, 90]);
    expect(calls).to.deep.equal(['enter', 'enter']);
    first.leave(true);
  });

  it('a receiver whose connection was cut holds the writer until its retention time is over', () => {
    remotes.join(request('c', 95), receiver()).leave(false);
    expect([remotes.size, lossless(), slowest()]).to.deep.equal([0, 1, 95]);
    clock.advance(RETAIN_MS);
    expect([lossless(), slowest()]).to.deep.equal([0, Number.POSITIVE_INFINITY]);
  });

  it('a receiver that resumes releases its own retained position, and no other', () => {
    remotes.join(request('c', 92), receiver()).leave(false);
    remotes.join(request('d', 91), receiver()).leave(false);
    const again = remotes.join(request('d', 95), receiver());
    expect([again.consumer.acknowledged, slowest(), lossless()]).to.deep.equal([95, 92, 2]);
    again.leave(true);
  });

  it('the successor of a killed receiver takes the nearest position at or below its own', () => {
    const cut = [request('c', 91), request('d', 93), request('e', 97)].map((one) =>
      remotes.join(one, receiver()),
    );
    for (const one of cut) one.leave(false);
    const retained = (): number[] =>
      [...consumers.registry.all()].map((one) => one.acknowledged).sort((a, b) => a - b);
    remotes.join(request('f', 93), receiver()).leave(true);
    expect(retained()).to.deep.equal([91, 97]);
    remotes.join(request('g', 96), receiver()).leave(true);
    expect(retained()).to.deep.equal([97]);
    remotes.join(request('h', 96), receiver()).leave(true);
    expect(retained()).to.deep.equal([97]);
  });

  it('an acknowledgement counts up to what is published, and an earlier one changes nothing', () => {
    const one = remotes.join(request('c', 95), receiver());
    const acknowledged = [97, 96, PUBLISHED, PUBLISHED + 1].map((sequence) => [
      one.acknowledge(sequence),
      one.consumer.acknowledged,
    ]);
    expect(acknowledged).to.deep.equal([
      [true, 97],
      [true, 97],
      [true, PUBLISHED],
      [false, PUBLISHED],
    ]);
    one.leave(true);
  });

  it('the progress of a receiver has its lag behind what is published, and what it received', () => {
    const one = remotes.join(request('c', 95), receiver());
    expect(remotes.progress).to.deep.equal([
      { peer: 'there', delivery: 'lossless', acknowledged: 95, lag: 5, holding: false, sentBytes: 0 },
    ]);
    one.leave(true);
    expect([remotes.progress, remotes.size]).to.deep.equal([[], 0]);
  });
});
