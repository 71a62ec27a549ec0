/** A served flow with clients on a real signal link: welcome, signals, credit, refusals. */
import { expect } from 'chai';
import { openFlowFile } from '../../../protocol/flow/flow-file/open.js';
import { MessageKind, unpackRefusal } from '../../../protocol/flow/signal-link/messages.js';
import { FlowRig, type TestClient } from '../flow-rig.js';
import { TestProcess } from '../../kit/test-process.js';
import { eventually } from '../../kit/eventually.js';

describe('FlowHost with the clients of a mirror flow', () => {
  let rig: FlowRig;
  let other: TestProcess | undefined;
  async function started(ringBytes = 64 * 1024 * 1024): Promise<void> {
    rig = await FlowRig.make({ ringBytes });
    await rig.flow.start();
  }
  afterEach(async () => {
    await other?.kill();
    other = undefined;
    await rig.close();
  });

  const refusal = (client: TestClient): string | undefined => {
    const refused = client.received.find(([kind]) => kind === MessageKind.REFUSED);
    return refused === undefined ? undefined : unpackRefusal(refused[2]);
  };

  it('a consumer is welcomed with epoch and first sequence, and signalled once per acknowledgement', async () => {
    await started();
    const client = await rig.client();
    const epoch = await client.waitFor(MessageKind.WELCOME);
    expect(epoch).to.equal(openFlowFile(rig.flow.layout.file, 'read').epoch);
    expect(await client.waitFor(MessageKind.BEGIN)).to.equal(0);
    expect(await client.waitFor(MessageKind.PUBLISHED, 1)).to.equal(1);
    await rig.publishMore(1);
    client.link.signal(MessageKind.ACK, 1, 1);
    await rig.publishMore(1);
    expect(client.newestValue(MessageKind.PUBLISHED)).to.equal(1);
    client.link.signal(MessageKind.ACK, 2, 0);
    await client.waitFor(MessageKind.PUBLISHED, 3);
    expect(rig.flow.clientCount).to.equal(1);
  });

  for (const ring of [0, 100_000_000]) {
    it(`a lossless consumer holds the writer back in a ring of ${ring} bytes`, async () => {
      await started(ring);
      const { buffers } = rig.flow.layout;
      const slow = await rig.client({ start: 'latest' });
      const first = await slow.waitFor(MessageKind.BEGIN);
      await rig.publishMore(buffers - 1);
      // At most the last slot is open for the next update; then the source is asked no more.
      let served = -1;
      await eventually(() => {
        const atRest =
          served === rig.simulator.counters.updatesServed && rig.flow.published >= first + buffers - 1;
        served = rig.simulator.counters.updatesServed;
        rig.simulator.step(10);
        return atRest;
      }, 'the writer to stop');
      expect(rig.flow.published).to.be.at.most(first + buffers);
      slow.link.signal(MessageKind.ACK, first + 1, 0);
      await rig.publishMore(1);
      slow.link.destroy();
      await rig.publishMore(buffers * 2);
    });
  }

  it('lossy consumers and observers never hold the writer back', async () => {
    await started();
    const lossy = await rig.client({ delivery: 'lossy' });
    const observer = await rig.client({ role: 'observer' });
    await observer.waitFor(MessageKind.BEGIN);
    await lossy.waitFor(MessageKind.BEGIN);
    await rig.publishMore(80);
    expect(observer.received.some(([kind]) => kind === MessageKind.PUBLISHED)).to.equal(false);
    expect(rig.flow.clientCount).to.equal(2);
  });

  it('a killed consumer releases its credit', async () => {
    await started();
    const { buffers, link } = rig.flow.layout;
    other = new TestProcess('test/fixtures/lossless-consumer', [link]);
    expect(await other.line()).to.equal('joined');
    const file = openFlowFile(rig.flow.layout.file, 'read');
    const stopped = rig.flow.published + buffers;
    await rig.publishMore(buffers - 1);
    await other.kill();
    await rig.publishMore(2 * buffers);
    expect(file.published).to.be.greaterThan(stopped);
  });

  it('a client with an impossible acknowledgement is refused, and other clients are still served', async () => {
    await started();
    const good = await rig.client();
    await good.waitFor(MessageKind.BEGIN);
    await rig.publishMore(2);
    for (const acks of [[99], [2 ** 50], [2, 1]]) {
      const bad = await rig.client();
      await bad.waitFor(MessageKind.BEGIN);
      for (const ack of acks) bad.link.signal(MessageKind.ACK, ack, 0);
      await eventually(() => bad.closeReason !== undefined, 'the refusal');
      expect([refusal(bad), bad.closeReason?.by]).to.deep.equal(['BAD_MESSAGE', 'peer']);
    }
    await eventually(() => rig.flow.clientCount === 1, 'one client');
    good.link.signal(MessageKind.ACK, 2, 0);
    await rig.publishMore(3);
    await good.waitFor(MessageKind.PUBLISHED, 3);
    expect(good.closeReason).to.equal(undefined);
  });

  it('a client with an unexpected message is refused with the reason', async () => {
    await started();
    const version = await rig.client({ version: 9 });
    const provider = await rig.client({ role: 'provider' });
    const twice = await rig.client();
    twice.link.signal(MessageKind.HELLO, 1, 0xffffff);
    const credit = await rig.client();
    credit.link.signal(MessageKind.CREDIT, 1);
    const start = await rig.client();
    start.link.signal(MessageKind.START, 1);
    const all = [version, provider, twice, credit, start];
    await eventually(() => all.every((one) => one.closeReason !== undefined), 'the refusals');
    expect(all.map(refusal)).to.deep.equal([
      'VERSION_MISMATCH',
      'REFUSED',
      'BAD_MESSAGE',
      'BAD_MESSAGE',
      'BAD_MESSAGE',
    ]);
    // The duplicator's own side of the connection ends a moment later.
    await eventually(() => rig.flow.clientCount === 0, 'the disconnections');
  });

  it('a consumer begins at the sequence it asks for if that is of the present epoch', async () => {
    await started();
    await rig.publishMore(4);
    const { published } = rig.flow;
    const file = openFlowFile(rig.flow.layout.file, 'read');
    const begin = async (sequence: number, epochLow: number): Promise<number> => {
      const client = await rig.client({ start: 'sequence' });
      client.link.signal(MessageKind.START, sequence, epochLow);
      return client.waitFor(MessageKind.BEGIN);
    };
    expect(await begin(3, file.epoch % 2 ** 32)).to.equal(3);
    expect(await begin(3, 0)).to.equal(3);
    expect(await begin(1000, 0)).to.be.within(published, rig.flow.published);
    // A sequence of another epoch has no meaning in this one: the consumer gets the whole ring.
    expect(await begin(3, (file.epoch + 1) % 2 ** 32)).to.equal(0);
  });

  it('a paused consumer gets no signal, and the present count when it resumes', async () => {
    await started();
    const client = await rig.client({ delivery: 'lossy' });
    await client.waitFor(MessageKind.PUBLISHED, 1);
    client.link.signal(MessageKind.PAUSE, 0);
    client.link.signal(MessageKind.ACK, 1, 0);
    await rig.publishMore(5);
    expect(client.newestValue(MessageKind.PUBLISHED)).to.equal(1);
    client.link.signal(MessageKind.RESUME, 0);
    await client.waitFor(MessageKind.PUBLISHED, 6);
  });

  it('an observer receives each state of the source and the end of the flow', async () => {
    await started();
    const client = await rig.client({ role: 'observer' });
    await client.waitFor(MessageKind.STATUS);
    const status = (): number | undefined =>
      client.received.findLast(([kind]) => kind === MessageKind.STATUS)?.[2];
    expect(status()).to.equal(1);
    rig.simulator.misbehave({ mirror: 'cut' });
    await eventually(() => status() === 2, 'stale');
    rig.simulator.misbehave({ mirror: 'none' });
    await eventually(() => status() === 1, 'live');
    await rig.flow.close();
    await eventually(() => client.closeReason !== undefined, 'the end');
    expect([status(), client.closeReason?.by]).to.deep.equal([3, 'peer']);
  });
});
