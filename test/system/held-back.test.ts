/** Flows that a reader holds back: which reader it is, and what a mirror does about it. */
import { expect } from 'chai';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';

describe('a flow that a reader holds back', () => {
  let system: RealSystem;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost();
  });
  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('the state of a flow names the reader that holds it back, until it reads on', async () => {
    await system.host.run({ name: 'e1' });
    const client = await system.client('e1', 'provider');
    const output = await client.openOutput('events', { bufferSize: 100, buffers: 4 });
    const sleeper = await system.client('e1', 'sleeper');
    const input = await sleeper.openInput('events', { inline: true });
    for (let n = 0; n < 4; n += 1) await output.write(Buffer.alloc(100));
    const waiting = output.write(Buffer.alloc(100));
    const holding = async (): Promise<readonly string[] | undefined> =>
      (await client.flows()).find(({ flow }) => flow === 'events')?.holding;
    expect(await eventually(holding, 'the flow is held back')).to.deep.equal(['sleeper']);
    for (let n = 0; n < 5; n += 1) (await input.take())?.release();
    await waiting;
    await eventually(async () => (await holding()) === undefined, 'the flow is not held back');
  });

  it('the flow file shows lag, missed buffers and back-pressure of each consumer, also while the duplicator is stopped', async () => {
    await system.host.run({ name: 'e1' });
    const client = await system.client('e1', 'provider');
    const output = await client.openOutput('events', { bufferSize: 64, buffers: 8 });
    const reader = await system.client('e1', 'reader');
    const lossless = await reader.openInput('events', { inline: true });
    const viewer = await system.client('e1', 'viewer');
    const lossy = await viewer.openInput('events', { delivery: 'lossy', history: 2, whenFull: 'drop' });
    const row = async (name: string) =>
      (await client.flowConsumers('events')).find(({ client: consumer }) => consumer === name);
    for (let n = 0; n < 8; n += 1) await output.write(Buffer.alloc(64, n));
    const waiting = output.write(Buffer.alloc(64));
    const held = await eventually(async () => {
      const now = await row('reader');
      return now?.holding === true && now.heldMs > 0 ? now : undefined;
    }, 'the reader holds the flow back');
    expect(held).to.include({ acknowledged: 0, lag: 8, missed: 0, holds: 1, delivery: 'lossless' });
    expect(held.pid).to.equal(process.pid);
    const duplicator = await eventually(() => system.duplicatorPid(client, 'events'), 'a duplicator runs');
    process.kill(duplicator, 'SIGSTOP');
    const later = await eventually(async () => {
      const now = await row('reader');
      return (now?.heldMs ?? 0) > held.heldMs ? now : undefined;
    }, 'the time grows');
    expect(later).to.include({ lag: 8, holding: true });
    const statistics = await client.applicationStatistics();
    const usage = statistics.clients.find(({ name }) => name === 'reader')?.flows[0];
    expect(usage).to.include({ lag: 8, holding: true, holds: 1 });
    process.kill(duplicator, 'SIGCONT');
    for (let n = 0; n < 9; n += 1) (await lossless.take())?.release();
    await waiting;
    expect(lossless.takeNow()).to.equal(undefined); // nothing is left: everything is acknowledged
    const released = await eventually(async () => {
      const now = await row('reader');
      return now?.lag === 0 ? now : undefined;
    }, 'the reader has read everything');
    expect(released).to.include({ holding: false, acknowledged: 9 });
    expect(released.heldMs).to.be.least(later.heldMs);
    await lossless.close();
    await eventually(async () => (await row('reader')) === undefined, 'the reader has no row');
    lossy.pause();
    for (let n = 0; n < 40; n += 1) await output.write(Buffer.alloc(64, n));
    lossy.resume();
    const missed = await eventually(
      async () => (await row('viewer'))?.missed || undefined,
      'it has missed some',
    );
    await eventually(async () => (await row('viewer'))?.lag === 0, 'it has read the rest');
    expect(missed)
      .to.be.above(20)
      .and.equal((await row('viewer'))?.missed);
    await viewer.close();
    expect(await client.flowConsumers('events')).to.deep.equal([]);
  });

  it('a mirror is read lossy by default, and a lossless reader that stops reading stops no image for long', async () => {
    const simulator = await system.simulator({ rate: 5_000, intervalMs: 10 });
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 10 });
    const client = await system.client('e1', 'viewer');
    const byDefault = await client.openInput('spectra', { inline: true });
    expect(byDefault.delivery).to.equal('lossy');
    const stuck = await client.openInput('spectra', { inline: true, delivery: 'lossless' });
    const demoted = new Promise<void>((resolve) => void stuck.once('demoted', resolve));
    const mirror = await client.mirror();
    await demoted;
    const { published } = mirror;
    await eventually(() => mirror.published > published + 5, 'the image continues');
  });
});
