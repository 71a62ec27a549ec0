/** The admission of clients to a flow, on a flow file that no duplicator serves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ReattachmentTracker } from '../../../duplicator/recovery/reattachment-tracker.js';
import { Admission, type BeforeLossless } from '../../../duplicator/serving/admission.js';
import { ConsumerRows } from '../../../duplicator/serving/consumer-rows.js';
import { FlowConsumers } from '../../../duplicator/serving/flow-consumers.js';
import { LinkClient } from '../../../duplicator/serving/link-client.js';
import { LinkClients } from '../../../duplicator/serving/link-clients.js';
import { SourceStatus } from '../../../duplicator/serving/source-status.js';
import { WriterCredit } from '../../../duplicator/serving/writer-credit.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import type { LinkConnection } from '../../../protocol/flow/signal-link/link.js';
import {
  LINK_VERSION,
  MessageKind,
  packHello,
  unpackRefusal,
  type Hello,
} from '../../../protocol/flow/signal-link/messages.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { silent } from '../../kit/silent-log.js';
import { smallFlowFile } from '../recovery/small-flow-file.js';

/** A client whose connection records what is sent to it. */
interface Peer {
  readonly client: LinkClient;
  readonly sent: [kind: MessageKind, value: number, detail: number][];
  closed: boolean;
}

describe('Admission', () => {
  let directory: string;
  let file: FlowFile;
  let clients: LinkClients;
  let consumers: FlowConsumers;
  let admission: Admission;
  let beforeLossless: BeforeLossless;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = smallFlowFile(directory);
    beforeLossless = () => undefined;
    serve(true);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** Serves the flow again: `local`, one that a provider of this host writes. */
  function serve(local: boolean): void {
    const clock = new ManualClock();
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
    clients = new LinkClients();
    const credit = new WriterCredit({
      file,
      consumers,
      clock,
      local,
      openSlots: 0,
      stallTimeoutMs: 0,
      onStalled: () => undefined,
    });
    const status = new SourceStatus(file, credit.claim);
    admission = new Admission(file, clients, consumers, credit, status, () => beforeLossless());
  }

  function peer(mayProvide = true): Peer {
    const sent: Peer['sent'] = [];
    const link = {
      signal: (kind: MessageKind, value: number, detail = 0) => sent.push([kind, value, detail]),
      close: () => (one.closed = true),
    } as unknown as LinkConnection;
    const one: Peer = {
      client: new LinkClient(consumers.registry.nextId(), link, mayProvide, silent),
      sent,
      closed: false,
    };
    clients.add(one.client);
    return one;
  }

  function hello(one: Peer, change: Partial<Hello> = {}): boolean {
    const { version = LINK_VERSION, ...rest } = change;
    const full = { role: 'consumer', delivery: 'lossless', start: 'oldest', ...rest } as const;
    return admission.hello(one.client, packHello(full, version));
  }

  function publish(count: number): void {
    const writer = new RingWriter(file);
    for (let buffer = 0; buffer < count; buffer += 1) {
      writer.begin();
      writer.commit(1, 0);
    }
    writer.publish();
  }

  const kinds = ({ sent }: Peer): MessageKind[] => sent.map(([kind]) => kind);
  const begin = ({ sent }: Peer): number | undefined =>
    sent.find(([kind]) => kind === MessageKind.BEGIN)?.[1];
  const refusal = ({ sent, closed }: Peer): string | undefined => {
    const refused = sent.find(([kind]) => kind === MessageKind.REFUSED);
    if (refused === undefined) return undefined;
    expect(closed).to.equal(true);
    return unpackRefusal(refused[2]);
  };

  it('a START before HELLO is refused, and the client is no consumer', () => {
    const one = peer();
    admission.start(one.client, 0, 0);
    expect(refusal(one)).to.equal('BAD_MESSAGE');
    expect([kinds(one), consumers.registry.size]).to.deep.equal([[MessageKind.REFUSED], 0]);
  });

  it('a START after a HELLO that does not announce it is refused', () => {
    for (const start of ['oldest', 'latest'] as const) {
      const one = peer();
      hello(one, { start });
      admission.start(one.client, 0, 0);
      expect(refusal(one)).to.equal('BAD_MESSAGE');
    }
  });

  it('a second START is refused', () => {
    const one = peer();
    hello(one, { start: 'sequence' });
    admission.start(one.client, 0, 0);
    expect([refusal(one), begin(one)]).to.deep.equal([undefined, 0]);
    admission.start(one.client, 0, 0);
    expect(refusal(one)).to.equal('BAD_MESSAGE');
  });

  it('a HELLO that announces a START is answered only when the START comes', () => {
    publish(3);
    const one = peer();
    expect(hello(one, { start: 'sequence' })).to.equal(true);
    expect([one.sent, consumers.registry.size, clients.greeted]).to.deep.equal([[], 0, 1]);
    admission.start(one.client, 2, file.epoch);
    expect(kinds(one)).to.deep.equal([
      MessageKind.WELCOME,
      MessageKind.BEGIN,
      MessageKind.STATUS,
      MessageKind.PUBLISHED,
    ]);
    expect([begin(one), one.client.consumer?.acknowledged]).to.deep.equal([2, 2]);
  });

  it('a START never begins beyond what is published, nor at a sequence of another epoch', () => {
    publish(3);
    const at = (sequence: number, epoch: number): number | undefined => {
      const one = peer();
      hello(one, { start: 'sequence', delivery: 'lossy' });
      admission.start(one.client, sequence, epoch);
      return begin(one);
    };
    expect(at(99, 0)).to.equal(3);
    expect(at(1, 0)).to.equal(1);
    expect(at(2, file.epoch + 1)).to.equal(0);
  });

  it('after a take-over one that resumes begins where it was, up to the credit of before', () => {
    publish(3);
    file.granted = 6;
    serve(true);
    const at = (sequence: number, epoch: number): Peer => {
      const one = peer();
      hello(one, { start: 'sequence' });
      admission.start(one.client, sequence, epoch);
      return one;
    };
    expect([begin(at(9, file.epoch)), begin(at(5, 0))]).to.deep.equal([6, 3]);
    const resuming = peer();
    hello(resuming, { role: 'provider', start: 'sequence' });
    admission.start(resuming.client, 0, file.epoch);
    expect([begin(resuming), file.published]).to.deep.equal([3, 3]);
  });

  it('another provider does not use the sequences again that a consumer has read', () => {
    publish(3);
    file.granted = 6;
    serve(true);
    const reader = peer();
    hello(reader, { start: 'sequence' });
    admission.start(reader.client, 5, file.epoch);
    const other = peer();
    hello(other, { role: 'provider' });
    expect([begin(other), file.published]).to.deep.equal([5, 5]);
    expect([file.isMissing(3), file.isMissing(4), file.isMissing(5)]).to.deep.equal([true, true, false]);
  });

  it('the process of a lossless consumer is noted in the file for a successor, that of a lossy one is not', () => {
    const pids = (): number[] => Array.from({ length: 4 }, (_, entry) => file.presence.pidOf(entry));
    const of = (delivery: Hello['delivery']): void => {
      const one = peer();
      one.client.pid = process.pid;
      hello(one, { delivery });
    };
    of('lossy');
    expect(pids()).to.deep.equal([0, 0, 0, 0]);
    of('lossless');
    expect(pids()).to.deep.equal([process.pid, 0, 0, 0]);
  });

  it('a malformed HELLO, a second one, and one of another version are refused with the code', () => {
    const malformed = peer();
    expect(admission.hello(malformed.client, 0xffffff)).to.equal(false);
    expect(refusal(malformed)).to.equal('BAD_MESSAGE');
    const twice = peer();
    expect([hello(twice), hello(twice)]).to.deep.equal([true, false]);
    expect(refusal(twice)).to.equal('BAD_MESSAGE');
    const newer = peer();
    expect(hello(newer, { version: LINK_VERSION + 1 })).to.equal(false);
    expect(refusal(newer)).to.equal('VERSION_MISMATCH');
    expect(clients.greeted).to.equal(1);
  });

  it('a second provider is refused while the first has the claim, and no provider may write a source', () => {
    const [first, second] = [peer(), peer()];
    expect([hello(first, { role: 'provider' }), hello(second, { role: 'provider' })]).to.deep.equal([
      true,
      false,
    ]);
    expect([begin(first), refusal(second)]).to.deep.equal([0, 'FLOW_BUSY']);
    serve(false);
    const third = peer();
    expect(hello(third, { role: 'provider' })).to.equal(false);
    expect(refusal(third)).to.equal('REFUSED');
    expect(clients.greeted).to.equal(0);
  });

  it('a consumer of the latest buffer begins at the next one, and is not signalled for old ones', () => {
    publish(3);
    const one = peer();
    hello(one, { start: 'latest' });
    expect([begin(one), kinds(one).includes(MessageKind.PUBLISHED)]).to.deep.equal([3, false]);
  });

  it('an observer is welcomed at the published count and is no consumer', () => {
    publish(3);
    const one = peer();
    hello(one, { role: 'observer' });
    expect(kinds(one)).to.deep.equal([MessageKind.WELCOME, MessageKind.BEGIN, MessageKind.STATUS]);
    expect([begin(one), consumers.registry.size]).to.deep.equal([3, 0]);
  });

  it('a lossless consumer waits until the source sends every buffer, a lossy one does not', async () => {
    let ready = (): void => undefined;
    const possible = new Promise<void>((resolve) => (ready = resolve));
    beforeLossless = () => possible;
    const [lossless, lossy, gone] = [peer(), peer(), peer()];
    hello(lossless);
    hello(gone);
    hello(lossy, { delivery: 'lossy' });
    expect([begin(lossless), begin(lossy)]).to.deep.equal([undefined, 0]);
    clients.remove(gone.client);
    ready();
    await possible;
    await Promise.resolve();
    expect([begin(lossless), begin(gone)]).to.deep.equal([0, undefined]);
    expect(consumers.registry.size).to.equal(2);
  });
});
