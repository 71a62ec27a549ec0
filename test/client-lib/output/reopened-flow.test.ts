/**
 * At which buffer a consumer starts that asks for the oldest one of a flow which several providers
 * have written one after the other. Runs hosts in this process, with real flow files and a TCP
 * port.
 */
import { expect } from 'chai';
import type { InputFlow } from '../../../client-lib/input/input-flow.js';
import { eventually } from '../../kit/eventually.js';
import { LocalHost, type LocalHostFlow } from '../../kit/local-host.js';

const SLOTS = 16;

describe('a flow that was opened again', () => {
  let host: LocalHost;
  let otherHost: LocalHost;
  let flow: LocalHostFlow;

  beforeEach(async () => {
    host = new LocalHost();
    otherHost = new LocalHost();
    flow = await host.local(SLOTS, 64);
  });

  afterEach(async () => {
    await otherHost.close();
    await host.close();
  });

  async function write(count: number): Promise<void> {
    const output = await flow.provider();
    for (let buffer = 0; buffer < count; buffer += 1) await output.write(Buffer.from('x'));
    await output.close();
  }

  async function takeFirstAndClose(input: InputFlow): Promise<number | undefined> {
    const buffer = await input.take();
    const sequence = buffer?.sequence;
    await input.close();
    return sequence;
  }

  it('the oldest buffer is the first one of the last provider where none is connected', async () => {
    await write(3);
    expect(await takeFirstAndClose(await flow.consumer())).to.equal(0);
    await write(2);
    for (const delivery of ['lossless', 'lossy'] as const)
      expect(await takeFirstAndClose(await flow.consumer({ delivery }))).to.equal(3);
  });

  it('the oldest buffer is the first one of the present provider, also before it is written', async () => {
    await write(3);
    const output = await flow.provider();
    const [early, earlyLossy] = [await flow.consumer(), await flow.consumer({ delivery: 'lossy' })];
    await output.write(Buffer.from('x'));
    await output.write(Buffer.from('x'));
    const late = await flow.consumer();
    for (const input of [early, earlyLossy, late]) {
      expect(input.lost).to.equal(0);
      expect(await takeFirstAndClose(input)).to.equal(3);
    }
  });

  it('the ring bounds the oldest buffer of a provider', async () => {
    await write(3);
    await write(3 * SLOTS);
    expect(await takeFirstAndClose(await flow.consumer())).to.be.within(2 * SLOTS + 3, 2 * SLOTS + 4);
  });

  it('a sequence before the present provider can still be asked for', async () => {
    await write(3);
    await write(2);
    expect(await takeFirstAndClose(await flow.consumer({ start: 1 }))).to.equal(1);
  });

  it('on another host the oldest buffer is the first one of the newest provider', async () => {
    const port = await flow.serve();
    const remote = await otherHost.remote(`tcp://127.0.0.1:${port}`, {}, SLOTS);
    await write(3);
    await eventually(() => remote.file.published === 3);
    expect(await takeFirstAndClose(await remote.consumer())).to.equal(0);
    await write(4);
    await eventually(() => remote.file.published === 7);
    for (const delivery of ['lossless', 'lossy'] as const)
      expect(await takeFirstAndClose(await remote.consumer({ delivery }))).to.equal(3);
  });
});
