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
