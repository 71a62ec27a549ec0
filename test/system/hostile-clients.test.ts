/** Clients that send garbage, lie, or stall, against a real system with a lossless flow. */
import { connect as connectSocket } from 'node:net';
import { expect } from 'chai';
import { flood } from '../chaos/flood.js';
import { randomBits } from '../../simulator/random.js';
import { appSocketPath, hostSocketPath, hostTokenPath, linkSocketPath } from '../../protocol/base/paths.js';
import { readToken } from '../../protocol/rpc/security/token-file.js';
import { MessageKind, packHello, unpackRefusal } from '../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { NumberedFlow } from './numbered-flow.js';
import { silent } from '../kit/silent-log.js';
import { APP, FLOW, expectIntact, startWithFlow } from './system-with-flow.js';
import type { TestProcess } from '../kit/test-process.js';
import { eventually } from '../kit/eventually.js';
import type { RealSystem } from '../kit/real-system.js';

describe('misbehaving clients', function () {
  let system: RealSystem;
  let flow: NumberedFlow;
  let hostServer: TestProcess;

  beforeEach(async () => {
    ({ system, flow, hostServer } = await startWithFlow());
  });

  afterEach(async function () {
    await flow.kill();
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('garbage on any port or socket ends no server and disturbs no flow', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.resumed();
    const info = (await system.host.applications())[0]!;
    const { port } = await system.host.info();
    const { directory } = system;
    const targets = [
      { path: hostSocketPath(directory, 'control') },
      { path: appSocketPath(directory, APP, 'control') },
      { path: linkSocketPath(directory, APP, FLOW) },
      { port },
      { port: info.port! },
    ];
    for (let round = 0; round < 5; round += 1) await flood(targets, 20, 50, randomBits(round));
    const body = Buffer.alloc(5 * 2 ** 20, 'x');
    const huge = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'text/xml',
        authorization: `Bearer ${readToken(hostTokenPath(directory, 'control'))}`,
      },
    }).catch(() => undefined);
    // The server closes the connection after its answer; the sender may see only the close.
    if (huge !== undefined) expect(huge.status).to.equal(413);
    await flow.resumed();
    expect((await system.host.info()).pid).to.equal(hostServer.pid);
    expect(await system.appServerPid(APP)).to.equal(info.pid);
    await expectIntact(flow);
  });

  it('clients of other protocol versions are refused with both versions named', async () => {
    flow.startProvider();
    const client = await system.client(APP);
    await client.openInput(FLOW).catch(() => undefined);
    const path = linkSocketPath(system.directory, APP, FLOW);
    const link = await eventually(
      () =>
        streamLink()
          .connect(path)
          .catch(() => undefined),
      'the link accepts a connection',
    );
    const refusal = new Promise<string>((resolve) => {
      link.onMessage((kind, _value, detail) => {
        if (kind === MessageKind.REFUSED) resolve(unpackRefusal(detail));
      });
    });
    link.signal(MessageKind.HELLO, 1, packHello({ role: 'consumer', delivery: 'lossy', start: 'latest' }, 9));
    expect(await refusal).to.equal('VERSION_MISMATCH');
    const session = await connectSession(
      { path: appSocketPath(system.directory, APP, 'control') },
      { context: () => undefined, log: silent },
    );
    const presentation = { name: 'old', program: 'old', pid: 1, version: 99 };
    const refused = await session
      .call('client.present', [presentation])
      .catch((error: unknown) => String(error));
    expect(refused).to.match(/version 99.*version 2/);
    session.destroy();
    await eventually(
      () => /version 9 of the signal link, this duplicator version \d/.test(system.logs()),
      'the log names both versions',
    );
  });

  describe('on the sockets of a flow', () => {
    beforeEach(async () => {
      flow.consumer('honest').program.start();
      flow.startProvider();
      await flow.resumed();
    });

    /** Expects that the honest consumer has lost nothing and `pid` is still the duplicator. */
    async function expectUnharmed(pid: number): Promise<void> {
      await flow.resumed();
      const client = await system.client(APP);
      expect(await system.duplicatorPid(client, FLOW)).to.equal(pid);
      await client.close();
      await expectIntact(flow);
    }

    async function duplicator(): Promise<number> {
      const client = await system.client(APP, 'asking');
      const pid = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator runs');
      await client.close();
      return pid;
    }

    it('only the link of a client with invalid acknowledgements or messages is closed', async () => {
      const pid = await duplicator();
      const path = linkSocketPath(system.directory, APP, FLOW);
      const lies: readonly (readonly [kind: MessageKind, value: number])[] = [
        [MessageKind.ACK, Number.MAX_SAFE_INTEGER],
        [MessageKind.ACK, 0],
        [MessageKind.PUBLISHED, 1],
        [MessageKind.CREDIT, 1],
        [MessageKind.HELLO, 2],
      ];
      for (const [kind, value] of lies) {
        const link = await streamLink().connect(path);
        const closed = new Promise((resolve) => link.onClose(resolve));
        link.onMessage((received) => {
          if (received === MessageKind.BEGIN) link.signal(kind, value);
        });
        link.signal(
          MessageKind.HELLO,
          1,
          packHello({ role: 'consumer', delivery: 'lossy', start: 'latest' }),
        );
        await closed;
      }
      await expectUnharmed(pid);
    });

    it('a lossy client that never acknowledges does not hold the provider back', async () => {
      const pid = await duplicator();
      const link = await streamLink().connect(linkSocketPath(system.directory, APP, FLOW));
      link.signal(MessageKind.HELLO, 1, packHello({ role: 'consumer', delivery: 'lossy', start: 'oldest' }));
      const from = flow.published;
      await eventually(() => flow.published > from + 640, 'the ring is overwritten ten times');
      link.destroy();
      await expectUnharmed(pid);
    });

    it('a thousand connections with nothing or half a message on each socket disturb no other client', async () => {
      const pid = await duplicator();
      const paths = [
        linkSocketPath(system.directory, APP, FLOW),
        appSocketPath(system.directory, APP, 'control'),
        hostSocketPath(system.directory, 'control'),
      ];
      const sockets = paths.flatMap((path) =>
        Array.from({ length: 1000 }, (_, at) => {
          const socket = connectSocket({ path });
          socket.on('error', () => undefined);
          socket.once('connect', () => socket.write(Buffer.alloc(at % 16, 1)));
          return socket;
        }),
      );
      await flow.resumed();
      const client = await system.client(APP);
      expect((await client.flows()).length).to.equal(1);
      await client.close();
      for (const socket of sockets) socket.destroy();
      await expectUnharmed(pid);
    });
  });

  it('a lossless consumer that never acknowledges is made lossy when a stall timeout is set', async () => {
    await system.host.run({ name: 'e2', stallTimeoutMs: 3_000 });
    const flowOfE2 = new NumberedFlow(system, 'e2', FLOW);
    flowOfE2.consumer('honest').program.start();
    flowOfE2.startProvider();
    await flowOfE2.resumed();
    const stalled = system.program('test/fixtures/lossless-consumer.js', [
      linkSocketPath(system.directory, 'e2', FLOW),
    ]);
    await stalled.line();
    const from = flowOfE2.published;
    await eventually(() => flowOfE2.published > from + 640, 'the ring is overwritten ten times');
    await stalled.kill();
    expect((await flowOfE2.end()).lost).to.equal(0);
  });
});
