import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { ChildProcess } from 'node:child_process';
import { expect } from 'chai';
import { flood } from '../chaos/flood.js';
import { randomBits } from '../../simulator/random.js';
import { appSocketPath, hostSocketPath, linkSocketPath } from '../../protocol/base/paths.js';
import { Logger } from '../../protocol/base/log.js';
import { readToken } from '../../protocol/rpc/security/token-file.js';
import { MessageKind, packHello, unpackRefusal } from '../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { NumberedFlow } from './numbered-flow.js';
import { APP, FLOW, appServerPid, expectIntact, startWithFlow } from './system-with-flow.js';
import { killHard } from './whole-system.js';
import { eventually } from '../kit/eventually.js';
import type { RealSystem } from '../kit/real-system.js';

describe('what is promised when clients misbehave', function () {
  let system: RealSystem;
  let flow: NumberedFlow;
  let hostServer: ChildProcess;

  beforeEach(async () => {
    ({ system, flow, hostServer } = await startWithFlow());
  });

  afterEach(async function () {
    await flow.kill();
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('garbage on any port or socket harms nobody: memory stays bounded, everybody answers', async () => {
    flow.consumer('one').program.start();
    flow.startProvider();
    await flow.goesOn();
    const info = (await system.host.applications())[0]!;
    const { port } = await system.host.info();
    const { directory } = system;
    const targets = [
      { path: hostSocketPath(directory) },
      { path: appSocketPath(directory, APP) },
      { path: linkSocketPath(directory, APP, FLOW) },
      { port },
      { port: info.port! },
    ];
    for (let round = 0; round < 5; round += 1) await flood(targets, 20, 50, randomBits(round));
    const body = Buffer.alloc(5 * 2 ** 20, 'x');
    const huge = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/xml', authorization: `Bearer ${readToken(directory)}` },
    }).catch(() => undefined);
    // Either the answer arrives, or the connection was closed under the sender before it could read
    // it.
    if (huge !== undefined) expect(huge.status).to.equal(413);
    await flow.goesOn();
    expect((await system.host.info()).pid).to.equal(hostServer.pid);
    expect(await appServerPid(system)).to.equal(info.pid);
    await expectIntact(flow);
  });

  it('other versions are refused with both versions named', async () => {
    flow.startProvider();
    const client = await system.client(APP);
    await client.openInput(FLOW).catch(() => undefined);
    const path = linkSocketPath(system.directory, APP, FLOW);
    const link = await eventually(() =>
      streamLink()
        .connect(path)
        .catch(() => undefined), 'the link',
    );
    const refusal = new Promise<string>((resolve) => {
      link.onMessage((kind, _value, detail) => {
        if (kind === MessageKind.REFUSED) resolve(unpackRefusal(detail));
      });
    });
    link.signal(MessageKind.HELLO, 1, packHello({ role: 'consumer', delivery: 'lossy', start: 'latest' }, 9));
    expect(await refusal).to.equal('VERSION_MISMATCH');
    const log = new Logger('test', { sink: () => undefined });
    const session = await connectSession(
      { path: appSocketPath(system.directory, APP) },
      { context: () => undefined, log },
    );
    const presentation = { name: 'old', program: 'old', pid: 1, version: 99 };
    const refused = await session
      .call('client.present', [presentation])
      .catch((error: unknown) => String(error));
    expect(refused).to.match(/version 99.*version 1/);
    session.destroy();
    await eventually(() =>
      /version 9 of the signal link, this duplicator version \d/.test(system.logs()), 'the log names both',
    );
  });

  describe('of hostile local clients', () => {
    beforeEach(async () => {
      flow.consumer('honest').program.start();
      flow.startProvider();
      await flow.goesOn();
    });

    /**
     * What the hostile ones did is over; the honest one has lost nothing, and its duplicator is the
     * same.
     */
    async function unharmed(pid: number): Promise<void> {
      await flow.goesOn();
      const client = await system.client(APP);
      expect(await system.duplicatorPid(client, FLOW)).to.equal(pid);
      await client.close();
      await expectIntact(flow);
    }

    async function duplicator(): Promise<number> {
      const client = await system.client(APP, 'asking');
      const pid = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator');
      await client.close();
      return pid;
    }

    it('one that acknowledges the future, or backwards, or nonsense, is closed alone', async () => {
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
        link.onMessage((found) => {
          if (found === MessageKind.BEGIN) link.signal(kind, value);
        });
        link.signal(
          MessageKind.HELLO,
          1,
          packHello({ role: 'consumer', delivery: 'lossy', start: 'latest' }),
        );
        await closed;
      }
      await unharmed(pid);
    });

    it('a lossy one that never acknowledges holds nobody back', async () => {
      const pid = await duplicator();
      const link = await streamLink().connect(linkSocketPath(system.directory, APP, FLOW));
      link.signal(MessageKind.HELLO, 1, packHello({ role: 'consumer', delivery: 'lossy', start: 'oldest' }));
      const from = flow.published;
      await eventually(() => flow.published > from + 640, 'the ring goes round ten times');
      link.destroy();
      await unharmed(pid);
    });

    it('a thousand connections that say nothing, or half a message, let the others be', async () => {
      const pid = await duplicator();
      const paths = [
        linkSocketPath(system.directory, APP, FLOW),
        appSocketPath(system.directory, APP),
        hostSocketPath(system.directory),
      ];
      const sockets = paths.flatMap((path) =>
        Array.from({ length: 1000 }, (_, at) => {
          const socket = connectSocket({ path });
          socket.on('error', () => undefined);
          socket.once('connect', () => socket.write(Buffer.alloc(at % 16, 1)));
          return socket;
        }),
      );
      await flow.goesOn();
      const client = await system.client(APP);
      expect((await client.flows()).length).to.equal(1);
      await client.close();
      for (const socket of sockets) socket.destroy();
      await unharmed(pid);
    });
  });

  it('a lossless consumer that never acknowledges is made lossy when a stall timeout is set', async () => {
    await system.host.run({ name: 'e2', stallTimeoutMs: 3_000 });
    const stalling = new NumberedFlow(system, 'e2', FLOW);
    stalling.consumer('honest').program.start();
    stalling.startProvider();
    await stalling.goesOn();
    const hog = system.program('test/fixtures/lossless-consumer.js', [
      linkSocketPath(system.directory, 'e2', FLOW),
    ]);
    await once(hog.stdout!, 'data');
    const from = stalling.published;
    await eventually(() => stalling.published > from + 640, 'the ring goes round ten times');
    await killHard(hog);
    expect((await stalling.end()).lost).to.equal(0);
  });
});
