/** A flow that is received over NATS, parcel by parcel, without a server. */
import { expect } from 'chai';
import { BufferSink } from '../../../../duplicator/remote/buffer-sink.js';
import { LIVE_WAITING_BYTES_MAX, NatsReceiver } from '../../../../duplicator/remote/nats/nats-receiver.js';
import type { StreamReaderOptions } from '../../../../duplicator/remote/nats/stream-reader.js';
import type { FlowHost } from '../../../../duplicator/serving/flow-host.js';
import { BufferBatch } from '../../../../nats/publish/buffer-batch.js';
import { Logger } from '../../../../protocol/base/log.js';
import { createFlowFile } from '../../../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../../../protocol/flow/flow-file/flow-file.js';
import { FLOW_FLAGS } from '../../../../protocol/flow/flow-file/layout.js';
import { RingReader } from '../../../../protocol/flow/flow-file/ring-reader.js';
import { encodeParcels, PARCEL_HEAD_BYTES } from '../../../../protocol/nats/parcel.js';
import { Place } from '../../../protocol/flow/flow-file/place.js';
import { turnsOfEventLoop } from '../../../kit/local-host.js';

const EPOCH = 7;
const CAPACITY = 256;
let groups = 0;

/** The messages of one group with the buffers from `first` to below `next`. */
function messages(first: number, next: number, follows = first, parcelBytes = 4096, epoch = EPOCH): Buffer[] {
  const batch = new BufferBatch(1_000_000);
  for (let sequence = first; sequence < next; sequence += 1) {
    const bytes = Buffer.alloc(CAPACITY, sequence);
    batch.add({ epoch, sequence, timestampNs: 1000 * sequence, slotFlags: sequence, bytes });
  }
  groups += 1;
  const head = { bits: 0, epoch, follows, next, anchor: 0, group: groups };
  return encodeParcels(head, batch.take().frames, parcelBytes);
}

describe('a receiver over NATS', () => {
  const place = new Place();
  after(() => place.remove());
  let file: FlowFile;
  let receiver: NatsReceiver;
  let counts: { gaps: number; missing: number };
  let restarts: number;
  let problems: string[];
  let credit: number;
  let grant: () => void;

  beforeEach(() => {
    groups += 1;
    file = createFlowFile({
      path: place.file(`${groups}.flow`),
      identity: { application: 'test', flow: 'events', type: 'bytes', properties: {} },
      slotCount: 64,
      payloadCapacity: CAPACITY,
      flags: FLOW_FLAGS.remote,
      epoch: EPOCH,
      mode: 0o600,
    });
    credit = Infinity;
    const host = {
      changes: 0,
      get creditLimit() {
        return credit;
      },
      hasCredit: (sequence: number) => sequence < credit,
      credit: () => new Promise<void>((resolve) => (grant = resolve)),
      published: () => undefined,
    };
    const hooks = { state: () => undefined, delivery: () => undefined, senderClosed: () => undefined };
    const sink = new BufferSink(file, host as unknown as FlowHost, 64, hooks);
    counts = sink;
    restarts = 0;
    problems = [];
    const options = {
      stream: {} as StreamReaderOptions,
      epoch: EPOCH,
      isMirror: false,
      isStored: false,
      position: { epoch: EPOCH, anchor: 0 },
      open: (_subject: string, payload: Buffer) => payload,
      ignoresEarlier: true,
      log: new Logger('test'),
    };
    receiver = new NatsReceiver(options, sink, 0, {
      received: () => undefined,
      violated: (problem) => problems.push(problem),
      restarted: () => (restarts += 1),
    });
  });

  async function deliver(...all: readonly Buffer[][]): Promise<void> {
    for (const message of all.flat()) receiver.liveMessage('data', message);
    await turnsOfEventLoop();
  }

  /** Sequences in the ring, all of whose bytes are right. */
  function intact(): number[] {
    const found: number[] = [];
    const payload = Buffer.alloc(CAPACITY);
    for (let sequence = 0; sequence < file.published; sequence += 1) {
      const reader = new RingReader(file, sequence);
      if (reader.copy(payload) !== 'ready' || reader.sequence !== sequence) continue;
      if (payload.every((byte) => byte === sequence % 256) && reader.flags === sequence) found.push(sequence);
    }
    return found;
  }

  it('a receiver over NATS publishes each buffer once, also of groups that overlap or are repeated', async () => {
    const first = messages(0, 3);
    await deliver(first, first, messages(2, 5), messages(3, 6), messages(6, 7));
    expect(intact()).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    expect([file.published, counts.gaps]).to.deep.equal([7, 0]);
  });

  it('a receiver over NATS joins a buffer of several parcels, and starts it again when one was lost', async () => {
    const whole = messages(0, 1, 0, 100);
    expect(whole.length).to.be.greaterThan(3);
    await deliver(whole.slice(0, 2));
    expect(file.published).to.equal(0);
    await deliver(whole);
    expect(intact()).to.deep.equal([0]);
  });

  it('a receiver over NATS counts buffers that were not stored as missing', async () => {
    await deliver(messages(0, 2));
    await deliver(messages(5, 7));
    expect(intact()).to.deep.equal([0, 1, 5, 6]);
    expect([counts.gaps, counts.missing]).to.deep.equal([1, 3]);
  });

  it('a receiver over NATS waits while a lossless consumer needs the slot', async () => {
    credit = 2;
    await deliver(messages(0, 4), messages(4, 5));
    expect(file.published).to.equal(2);
    credit = Infinity;
    grant();
    await turnsOfEventLoop();
    expect(intact()).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('a receiver over NATS keeps a bounded number of bytes while a lossless consumer holds the flow', async () => {
    credit = 2;
    await deliver(messages(0, 4));
    const [large] = messages(4, 3_000, 4, 2_000_000);
    const count = Math.floor(LIVE_WAITING_BYTES_MAX / (large!.length - PARCEL_HEAD_BYTES)) + 1;
    for (let sent = 0; sent < count; sent += 1) receiver.liveMessage('data', large!);
    credit = Infinity;
    grant();
    await turnsOfEventLoop();
    await deliver(messages(8_000, 8_001));
    expect([file.published, counts.missing]).to.deep.equal([8_001, 8_000 - 4]);
  });

  it('a receiver over NATS ignores what is of an earlier epoch where publications are signed: it was recorded', async () => {
    const [recorded] = messages(0, 1, 0, 4096, EPOCH - 1);
    expect(receiver.liveMessage('data', recorded!)).to.equal(false);
    const [present] = messages(0, 1);
    expect(receiver.liveMessage('data', present!)).to.equal(true);
    await turnsOfEventLoop();
    expect([restarts, intact()]).to.deep.equal([0, [0]]);
  });

  it('a receiver over NATS ends at another epoch, and at a message that is not a parcel', async () => {
    await deliver(messages(0, 1, 0, 4096, EPOCH + 1));
    expect(restarts).to.equal(1);
    await deliver([Buffer.from('nonsense')]);
    expect(problems).to.deep.equal(['a parcel has 8 bytes']);
  });
});
