/** The conformance suite of signal links, which the test file of each implementation runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { isMirrorflowError } from '../../../../protocol/base/errors.js';
import type {
  LinkConnection,
  LinkEnd,
  LinkServer,
  LinkServerOptions,
  LinkTransport,
} from '../../../../protocol/flow/signal-link/link.js';
import {
  MessageKind,
  packHello,
  packRefusal,
  unpackHello,
  unpackRefusal,
} from '../../../../protocol/flow/signal-link/messages.js';

type Message = [kind: number, value: number, detail: number];

const HELLO_DETAIL = packHello({ role: 'consumer', delivery: 'lossy', start: 'latest' });
const PEER = fileURLToPath(new URL('../../../fixtures/link-peer.js', import.meta.url));

/** Records all messages of a connection, and its end; waits for them. */
export class Recorder {
  readonly messages: Message[] = [];
  readonly ends: LinkEnd[] = [];
  readonly #wake = new Set<() => void>();

  constructor(readonly link: LinkConnection) {
    link.onMessage((...message) => {
      this.messages.push(message);
      this.#changed();
    });
    link.onClose((end) => {
      this.ends.push(end);
      this.#changed();
    });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => void this.#wake.add(resolve));
  }

  received(kind: number, value: number): Promise<void> {
    return this.until(() => this.messages.some((message) => message[0] === kind && message[1] === value));
  }

  ended(): Promise<void> {
    return this.until(() => this.ends.length > 0);
  }

  #changed(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}

export function describeLinkConformance(
  name: 'stream' | 'datagram',
  transport: LinkTransport,
  sendRaw: (path: string, bytes: Buffer) => Promise<() => void>,
): void {
  describe(`a ${name} link`, () => {
    let directory = '';
    let path = '';
    let server: LinkServer;
    let accepted: Recorder[] = [];
    let children: ChildProcess[] = [];
    let wakeAccepted: () => void = () => {};

    async function listen(options: LinkServerOptions = {}): Promise<void> {
      server = transport.createServer(options);
      server.onConnection((link) => {
        accepted.push(new Recorder(link));
        wakeAccepted();
      });
      await server.listen(path);
    }

    async function acceptedOne(index = 0): Promise<Recorder> {
      while (accepted[index] === undefined) await new Promise<void>((resolve) => (wakeAccepted = resolve));
      return accepted[index];
    }

    async function connectOne(id = 1): Promise<Recorder> {
      const recorder = new Recorder(await transport.connect(path));
      recorder.link.signal(MessageKind.HELLO, id, HELLO_DETAIL);
      return recorder;
    }

    async function startPeer(
      side: 'client' | 'server',
    ): Promise<{ child: ChildProcess; lines: AsyncIterator<string> }> {
      const child = spawn(process.execPath, [PEER, name, side, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      return { child, lines };
    }

    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
      path = join(directory, 'app@flow.sock');
      accepted = [];
      children = [];
    });

    afterEach(async () => {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }
      await server?.close();
      rmSync(directory, { recursive: true, force: true });
    });

    it('a link carries HELLO and WELCOME with their values', async () => {
      await listen();
      const client = await connectOne(2 ** 53 - 1);
      const peer = await acceptedOne();
      await peer.received(MessageKind.HELLO, 2 ** 53 - 1);
      expect(unpackHello(peer.messages[0]![2])).to.include({
        role: 'consumer',
        delivery: 'lossy',
        start: 'latest',
      });
      peer.link.signal(MessageKind.WELCOME, 1_700_000_000_000);
      peer.link.signal(MessageKind.BEGIN, 42);
      await client.received(MessageKind.BEGIN, 42);
      expect(client.messages.map((message) => message[0])).to.deep.equal([
        MessageKind.WELCOME,
        MessageKind.BEGIN,
      ]);
      expect(server.connectionCount).to.equal(1);
      client.link.close();
      await peer.ended();
    });

    it('a link delivers a refusal before it closes', async () => {
      await listen();
      const client = await connectOne();
      const peer = await acceptedOne();
      peer.link.signal(MessageKind.REFUSED, 0, packRefusal('UNKNOWN_SESSION'));
      peer.link.close();
      await client.ended();
      expect(client.messages.map((message) => unpackRefusal(message[2]))).to.deep.equal(['UNKNOWN_SESSION']);
      expect(client.ends).to.deep.equal([{ by: 'peer' }]);
    });

    it('a link delivers the newest count in both directions, and counts in order', async () => {
      await listen();
      const client = await connectOne();
      const peer = await acceptedOne();
      for (let count = 1; count <= 2_000; count++) {
        peer.link.signal(MessageKind.PUBLISHED, count);
        client.link.signal(MessageKind.ACK, count);
      }
      await Promise.all([
        client.received(MessageKind.PUBLISHED, 2_000),
        peer.received(MessageKind.ACK, 2_000),
      ]);
      for (const side of [client, peer]) {
        const counts = side.messages.filter(([kind]) => kind !== MessageKind.HELLO).map(([, value]) => value);
        expect(counts).to.deep.equal([...counts].sort((a, b) => a - b));
      }
      client.link.close();
      await peer.ended();
    });

    it('a link keeps a few signals for a stopped reader and delivers the newest when it continues', async () => {
      await listen();
      const { child, lines } = await startPeer('client');
      const peer = await acceptedOne();
      await peer.received(MessageKind.HELLO, 7);
      peer.link.signal(MessageKind.BEGIN, 100_000);
      peer.link.signal(MessageKind.WELCOME, 1);
      expect((await lines.next()).value).to.equal('welcomed');
      child.kill('SIGSTOP');
      let largest = 0;
      for (let count = 1; count <= 100_000; count++) {
        peer.link.signal(MessageKind.PUBLISHED, count);
        peer.link.signal(MessageKind.STATUS, count, 1);
        largest = Math.max(largest, peer.link.waiting);
      }
      expect(largest).to.be.within(1, 8);
      child.kill('SIGCONT');
      const [word, count, messages] = String((await lines.next()).value).split(' ');
      expect([word, count]).to.deep.equal(['newest', '100000']);
      expect(Number(messages)).to.be.below(100_000);
    });

    it('a link to a peer that does not read ends when too many opening messages wait', async () => {
      await listen();
      const { child, lines } = await startPeer('client');
      const peer = await acceptedOne();
      peer.link.signal(MessageKind.WELCOME, 1);
      await lines.next();
      child.kill('SIGSTOP');
      for (let count = 0; count < 20_000 && !peer.link.closed; count++)
        peer.link.signal(MessageKind.WELCOME, count);
      await peer.ended();
      expect(peer.ends[0]).to.have.nested.property('error.code', 'LIMIT_REACHED');
    });

    it('the server of a link detects a killed client', async () => {
      await listen();
      const { child, lines } = await startPeer('client');
      const peer = await acceptedOne();
      peer.link.signal(MessageKind.WELCOME, 1);
      await lines.next();
      child.kill('SIGKILL');
      await peer.ended();
      expect(peer.ends).to.deep.equal([{ by: 'peer' }]);
      expect(server.connectionCount).to.equal(0);
    });

    it('a client detects a killed server, and the next server takes over its socket', async () => {
      const { child, lines } = await startPeer('server');
      await lines.next();
      const client = await connectOne();
      await client.received(MessageKind.WELCOME, 1);
      // The connections may close before the listening socket: wait for the end of the process.
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await Promise.all([client.ended(), exit]);
      expect(client.ends).to.deep.equal([{ by: 'peer' }]);
      await listen();
      const again = await connectOne();
      await acceptedOne();
      again.link.close();
    });

    it('a link ends exactly once on both sides, whichever side closes how often', async () => {
      await listen();
      for (const closes of ['client', 'server', 'both', 'destroy'] as const) {
        const index = accepted.length;
        const client = await connectOne();
        const peer = await acceptedOne(index);
        if (closes === 'destroy') client.link.destroy();
        if (closes === 'client' || closes === 'both') client.link.close();
        if (closes === 'server' || closes === 'both') peer.link.close();
        expect([...client.ends, ...peer.ends]).to.deep.equal([]);
        await Promise.all([client.ended(), peer.ended()]);
        client.link.close();
        peer.link.destroy();
        client.link.signal(MessageKind.ACK, 1);
        peer.link.signal(MessageKind.PUBLISHED, 1);
        await new Promise((resolve) => setImmediate(resolve));
        expect([client.ends.length, peer.ends.length]).to.deep.equal([1, 1]);
        if (closes === 'client')
          expect([client.ends, peer.ends]).to.deep.equal([[{ by: 'us' }], [{ by: 'peer' }]]);
        if (closes === 'server')
          expect([client.ends, peer.ends]).to.deep.equal([[{ by: 'peer' }], [{ by: 'us' }]]);
      }
    });

    it('closing a link sends the accepted messages first', async () => {
      await listen();
      const client = await connectOne();
      const peer = await acceptedOne();
      for (let count = 1; count <= 1_000; count++) client.link.signal(MessageKind.ACK, count);
      client.link.close();
      await peer.received(MessageKind.ACK, 1_000);
      await peer.ended();
    });

    it('a link server closes on invalid bytes and serves its other clients', async () => {
      await listen();
      const valid = await connectOne();
      const peer = await acceptedOne();
      const stops: (() => void)[] = [];
      for (const bytes of [
        Buffer.alloc(16, 0xff),
        Buffer.alloc(4_000, 'GET / HTTP'),
        Buffer.alloc(16),
        Buffer.alloc(7, 1),
      ]) {
        stops.push(await sendRaw(path, bytes));
      }
      valid.link.signal(MessageKind.ACK, 5);
      await peer.received(MessageKind.ACK, 5);
      for (const stop of stops) stop();
      expect(valid.ends).to.deep.equal([]);
    });

    it('a link server refuses more clients than its limit', async () => {
      await listen({ clients: 1 });
      const first = await connectOne();
      await acceptedOne();
      const second = await connectOne();
      await second.ended();
      expect(second.messages.map((message) => unpackRefusal(message[2]))).to.deep.equal(['LIMIT_REACHED']);
      expect(first.ends).to.deep.equal([]);
      expect(server.connectionCount).to.equal(1);
    });

    it('a link server serves 100 clients, and closing it ends their links', async () => {
      await listen();
      const clients = await Promise.all(Array.from({ length: 100 }, (_, id) => connectOne(id)));
      await acceptedOne(99);
      accepted.forEach((peer, index) => peer.link.signal(MessageKind.PUBLISHED, index + 1));
      await Promise.all(clients.map((client) => client.until(() => client.messages.length > 0)));
      await server.close();
      await Promise.all(clients.map((client) => client.ended()));
      expect(server.connectionCount).to.equal(0);
      expect(accepted.flatMap((peer) => peer.ends)).to.deep.equal(accepted.map(() => ({ by: 'us' })));
    });

    it('links of closed and killed processes leave no socket files', async () => {
      const { child, lines } = await startPeer('server');
      await lines.next();
      const killed = await startPeer('client');
      await killed.lines.next();
      for (const process of [killed.child, child]) {
        const exit = once(process, 'exit');
        process.kill('SIGKILL');
        await exit;
      }
      await listen();
      const client = await connectOne();
      const peer = await acceptedOne();
      client.link.close();
      await Promise.all([client.ended(), peer.ended()]);
      await server.close();
      expect(readdirSync(directory)).to.deep.equal([]);
    });

    it('a link server does not listen on the path of a running server or of a file', async () => {
      await listen();
      const second = transport.createServer();
      const codeOf = async (attempt: Promise<unknown>): Promise<string | undefined> => {
        try {
          await attempt;
        } catch (error) {
          if (isMirrorflowError(error)) return error.code;
        }
        return undefined;
      };
      expect(await codeOf(second.listen(path))).to.equal('ADDRESS_IN_USE');
      const file = join(directory, 'file');
      writeFileSync(file, 'precious');
      expect(await codeOf(second.listen(file))).to.equal('ADDRESS_IN_USE');
      expect(await codeOf(second.listen(join(directory, 'x'.repeat(120))))).to.equal('BAD_ADDRESS');
      expect(await codeOf(transport.connect(join(directory, 'missing')))).to.equal('NOT_RUNNING');
      expect(await codeOf(transport.connect(path, { signal: AbortSignal.abort() }))).to.equal('CLOSED');
      const client = await connectOne();
      await acceptedOne();
      client.link.close();
    });

    it('signalling a count that is negative or above 2^53 - 1 throws', async () => {
      await listen();
      const client = await connectOne();
      for (const value of [2 ** 53, -1, 0.5, Number.NaN]) {
        expect(() => client.link.signal(MessageKind.ACK, value)).to.throw(RangeError);
      }
      expect(() => client.link.signal(MessageKind.ACK, 1, 2 ** 32)).to.throw(RangeError);
      client.link.close();
      await client.ended();
    });
  });
}
