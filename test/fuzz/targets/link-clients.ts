/**
 * Fuzz target for a duplicator with a hostile client, whose valid messages come in any order: an
 * honest consumer stays connected, and the credit of the writer (how far it may write) never
 * exceeds the ring beyond the honest consumer's acknowledgement.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FlowHost } from '../../../duplicator/serving/flow-host.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import { Logger } from '../../../protocol/base/log.js';
import { MessageDecoder, type MessageHandler } from '../../../protocol/flow/signal-link/framing.js';
import type { LinkConnection, LinkEnd } from '../../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello } from '../../../protocol/flow/signal-link/messages.js';
import type { FuzzTarget } from '../fuzzer.js';
import { randomMessages } from './signal-link.js';

const SLOTS = 8;

/** The duplicator's end of a connection; the test is the other end. */
class FakeLink implements LinkConnection {
  readonly waiting = 0;
  closed = false;
  refused = false;
  #handler: MessageHandler = () => undefined;
  #onClose: (end: LinkEnd) => void = () => undefined;

  signal(kind: MessageKind): void {
    if (kind === MessageKind.REFUSED) this.refused = true;
  }

  onMessage(handler: MessageHandler): void {
    this.#handler = handler;
  }

  onClose(handler: (end: LinkEnd) => void): void {
    this.#onClose = handler;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#onClose({ by: 'us' });
  }

  destroy(): void {
    this.close();
  }

  receive(kind: MessageKind, value: number, detail: number): void {
    if (!this.closed) this.#handler(kind, value, detail);
  }
}

/** One mapped file for all inputs, and its initial bytes. */
interface Fixture {
  readonly directory: string;
  readonly file: FlowFile;
  readonly initialBytes: Buffer;
}

let fixture: Fixture | undefined;
const log = new Logger('fuzz', { sink: () => undefined });

function resetFile(): FlowFile {
  fixture ??= createFixture();
  fixture.initialBytes.copy(fixture.file.bytes);
  return fixture.file;
}

function createFixture(): Fixture {
  const directory = mkdtempSync('/dev/shm/mirrorflow-test-');
  const file = createFlowFile({
    path: join(directory, 'f.flow'),
    identity: { application: 'a', flow: 'f', type: 'bytes', properties: {} },
    slotCount: SLOTS,
    payloadCapacity: 16,
    flags: 0,
    epoch: 1,
    mode: 0o600,
  });
  return { directory, file, initialBytes: Buffer.from(file.bytes) };
}

class FakeServer {
  connect: (link: LinkConnection) => void = () => undefined;
  readonly connectionCount = 0;

  listen(): Promise<void> {
    return Promise.resolve();
  }

  onConnection(handler: (link: LinkConnection) => void): void {
    this.connect = handler;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export const linkClients: FuzzTarget = {
  name: 'link-clients',
  words: [
    Buffer.from([1, 0, 0, 0]),
    Buffer.from([7, 0, 0, 0]),
    Buffer.from([6, 0, 0, 0]),
    Buffer.alloc(8, 0xff),
  ],
  generate: (random) => {
    const messages = randomMessages(random);
    // Most inputs begin with a valid HELLO.
    if (random() % 4 > 0) {
      const role = (['consumer', 'provider', 'observer'] as const)[random() % 3] ?? 'consumer';
      const start = (['oldest', 'latest', 'sequence'] as const)[random() % 3] ?? 'oldest';
      messages.writeUInt32LE(MessageKind.HELLO, 0);
      messages.writeUInt32LE(
        packHello({ role, start, delivery: random() % 2 === 0 ? 'lossless' : 'lossy' }),
        4,
      );
    }
    return messages;
  },
  run: (input) => {
    const file = resetFile();
    const [links, providerLinks] = [new FakeServer(), new FakeServer()];
    const host = new FlowHost({ file, links, providerLinks, openSlots: 0, local: true, log });
    const honest = new FakeLink();
    links.connect(honest);
    honest.receive(
      MessageKind.HELLO,
      1,
      packHello({ role: 'consumer', delivery: 'lossless', start: 'oldest' }),
    );
    const writer = new RingWriter(file);
    const acknowledged = 3;
    for (let count = 0; count < SLOTS; count += 1) {
      writer.begin();
      writer.commit(1, 0);
    }
    writer.publish();
    host.published();
    honest.receive(MessageKind.ACK, acknowledged, 0);
    const hostile = new FakeLink();
    providerLinks.connect(hostile); // may send more than a client of the other socket
    const decoder = new MessageDecoder((kind, value, detail) => {
      hostile.receive(kind, value, detail);
      const { granted } = file;
      assert(granted <= acknowledged + SLOTS, `credit ${granted}`);
    });
    decoder.push(input);
    hostile.close();
    assert(!honest.closed && !honest.refused);
    honest.receive(MessageKind.ACK, SLOTS, 0);
    assert(!honest.closed && !honest.refused);
    void host.close();
  },
  close: () => {
    if (fixture !== undefined) rmSync(fixture.directory, { recursive: true });
    fixture = undefined;
  },
};
