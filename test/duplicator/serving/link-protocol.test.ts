/** The duplicator's side of the link, message by message: a FlowHost without sockets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { FlowHost } from '../../../duplicator/serving/flow-host.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import {
  AWAKE,
  LAST,
  MessageKind,
  packHello,
  unpackRefusal,
  type Hello,
} from '../../../protocol/flow/signal-link/messages.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { MemoryLinkServer, type MemoryLink } from '../../kit/memory-link.js';
import { silent } from '../../kit/silent-log.js';
import { smallFlowFile } from '../recovery/small-flow-file.js';

const DAY_MS = 86_400_000;

interface Peer {
  readonly link: MemoryLink;
  readonly received: [kind: MessageKind, value: number, detail: number][];
  end: string | undefined;
}

describe('LinkProtocol', () => {
  let directory: string;
  let file: FlowFile;
  let links: MemoryLinkServer;
  let events: string[];
  let clock: ManualClock;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = smallFlowFile(directory);
    links = new MemoryLinkServer();
    events = [];
    clock = new ManualClock();
    const host = new FlowHost({
      file,
      links,
      providerLinks: links,
      local: true,
      openSlots: 0,
      clock,
      log: silent,
    });
    host.on('provider', (what) => events.push(what));
    host.on('demoted', (client) => events.push(`client ${client} is demoted`));
    host.on('clients', (count) => events.push(`${count} clients`));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** Delivers every message in both directions. */
  function settle(...peers: readonly Peer[]): void {
    for (let again = true; again;) {
      again = false;
      for (const link of [...links.links, ...peers.map((peer) => peer.link)])
        while (link.deliver()) again = true;
    }
  }

  function peer(change: Partial<Hello> = {}): Peer {
    const link = links.connect();
    const one: Peer = { link, received: [], end: undefined };
    link.onMessage((kind, value, detail) => one.received.push([kind, value, detail]));
    link.onClose(({ by }) => (one.end = by));
    const hello = { role: 'consumer', delivery: 'lossless', start: 'oldest', ...change } as const;
    link.signal(MessageKind.HELLO, 1, packHello(hello));
    settle(one);
    return one;
  }

  /** What the peer receives in answer to a message. */
  function answers(one: Peer, kind: MessageKind, value: number, detail = 0): Peer['received'] {
    one.received.length = 0;
    one.link.signal(kind, value, detail);
    settle(one);
    return one.received;
  }

  function publish(provider: Peer, count: number): void {
    const writer = new RingWriter(file);
    for (let buffer = 0; buffer < count; buffer += 1) {
      writer.begin();
      writer.commit(1, 0);
    }
    provider.link.signal(MessageKind.PUBLISHED, writer.publish());
    settle(provider);
  }

  const refusal = ({ received }: Peer): string | undefined => {
    const refused = received.find(([kind]) => kind === MessageKind.REFUSED);
    return refused === undefined ? undefined : unpackRefusal(refused[2]);
  };

  it('a paused consumer gets no signal; when it resumes it is signalled at once', () => {
    const provider = peer({ role: 'provider' });
    const consumer = peer();
    expect(answers(consumer, MessageKind.PAUSE, 0)).to.deep.equal([]);
    publish(provider, 1);
    settle(consumer);
    expect(consumer.received).to.deep.equal([]);
    expect(answers(consumer, MessageKind.RESUME, 0)).to.deep.equal([[MessageKind.PUBLISHED, 1, 0]]);
  });

  it('a consumer that is awake is not signalled, one that waits is signalled once', () => {
    const provider = peer({ role: 'provider' });
    const consumer = peer();
    publish(provider, 1);
    settle(consumer);
    expect(answers(consumer, MessageKind.ACK, 1, AWAKE)).to.deep.equal([]);
    publish(provider, 1);
    settle(consumer);
    expect(consumer.received).to.deep.equal([]);
    expect(answers(consumer, MessageKind.ACK, 1)).to.deep.equal([[MessageKind.PUBLISHED, 2, 0]]);
  });

  it('only the provider reports publications, and none without credit', () => {
    const provider = peer({ role: 'provider' });
    const consumer = peer();
    answers(consumer, MessageKind.PUBLISHED, 0);
    expect(refusal(consumer)).to.equal('BAD_MESSAGE');
    answers(provider, MessageKind.PUBLISHED, 99);
    expect(refusal(provider)).to.equal('BAD_MESSAGE');
  });

  it('only the provider asks for a stall timeout, for a day at most', () => {
    const provider = peer({ role: 'provider' });
    const consumer = peer();
    answers(provider, MessageKind.STALL, DAY_MS);
    expect(refusal(provider)).to.equal(undefined);
    answers(consumer, MessageKind.STALL, 1_000);
    expect(refusal(consumer)).to.equal('BAD_MESSAGE');
    answers(provider, MessageKind.STALL, DAY_MS + 1);
    expect(refusal(provider)).to.equal('BAD_MESSAGE');
  });

  it('a consumer that holds the provider back for the stall timeout is told, and its number is reported', () => {
    const provider = peer({ role: 'provider' });
    const consumer = peer();
    answers(provider, MessageKind.STALL, 1_000);
    publish(provider, 4);
    settle(provider, consumer);
    consumer.received.length = 0;
    clock.advance(2_000);
    settle(provider, consumer);
    expect(consumer.received).to.deep.equal([[MessageKind.DELIVERY, 0, 1]]);
    expect(events.at(-1)).to.equal('client 1 is demoted');
  });

  it('a client that closes before its HELLO was never counted', () => {
    const silentOne = links.connect();
    silentOne.close();
    settle({ link: silentOne, received: [], end: undefined });
    expect(events).to.deep.equal([]);
    const one = peer();
    one.link.close();
    settle(one);
    expect(events).to.deep.equal(['1 clients', '0 clients']);
  });

  it('a provider that closes without its last word has died', () => {
    const first = peer({ role: 'provider' });
    first.link.destroy();
    settle(first);
    const second = peer({ role: 'provider' });
    second.link.signal(MessageKind.PUBLISHED, 0, LAST);
    second.link.close();
    settle(second);
    expect(events.join(', ')).to.equal('came, 1 clients, died, 0 clients, came, 1 clients, left, 0 clients');
  });

  it('messages of a duplicator, and those of an observer that counts, are refused', () => {
    for (const kind of [MessageKind.WELCOME, MessageKind.BEGIN, MessageKind.CREDIT, MessageKind.STATUS]) {
      const one = peer();
      answers(one, kind, 0);
      expect(refusal(one)).to.equal('BAD_MESSAGE');
      expect(one.end).to.equal('peer');
    }
    const observer = peer({ role: 'observer' });
    expect(answers(observer, MessageKind.PAUSE, 0)).to.deep.equal([]);
    answers(observer, MessageKind.ACK, 0);
    expect(refusal(observer)).to.equal('BAD_MESSAGE');
  });
});
