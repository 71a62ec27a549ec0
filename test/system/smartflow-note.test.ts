/**
 * Sentences of the Smartflow note about clients and flows that no other test covers; each title
 * repeats one in this project's terms.
 */
import { expect } from 'chai';
import type { Client } from '../../client-lib/index.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

describe('the Smartflow note', function () {
  let system: RealSystem;
  let client: Client;

  before(async () => {
    system = new RealSystem();
    await system.startHost('e1');
    client = await system.client('e1');
  });

  after(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('a buffer has a fixed size; the data can be smaller, and its metadata are the actual size and the timestamp', async () => {
    const output = await client.openOutput('sizes', { bufferSize: 100 });
    const input = await client.openInput('sizes');
    const before = Date.now();
    await output.write(Buffer.from('short'));
    (await output.reserve()).commit(100, { timestampNs: 1_000_000_000 });
    const first = (await input.take())!;
    expect(first.size).to.equal(5);
    expect(first.timestampNs / 1e6).to.be.within(before - 1, Date.now() + 1);
    const second = (await input.take())!;
    expect([second.size, second.timestampNs]).to.deep.equal([100, 1_000_000_000]);
    await input.close();
    await output.close();
  });

  it('one duplicator serves N clients of a flow, and each gets every buffer', async () => {
    const output = await client.openOutput('many', { bufferSize: 16 });
    const inputs = await Promise.all(Array.from({ length: 5 }, () => client.openInput('many')));
    const pids = new Set<number | undefined>();
    for (let value = 0; value < 50; value += 1) {
      await output.write(Buffer.from([value]));
      for (const input of inputs) expect((await input.take())?.data[0]).to.equal(value);
    }
    pids.add(await system.duplicatorPid(client, 'many'));
    expect(pids.size).to.equal(1);
    expect(output.consumers).to.equal(5);
    await Promise.all(inputs.map((input) => input.close()));
    await output.close();
  });

  it('fast consuming: the main thread waits for a filled buffer, and the provider is never held back', async () => {
    const output = await client.openOutput('fast', { bufferSize: 16, buffers: 32 });
    const input = await client.openInput('fast');
    for (let value = 0; value < 100; value += 1) {
      const taking = input.take();
      expect(output.free).to.be.greaterThan(0);
      await output.write(Buffer.from([value]));
      expect((await taking)?.data[0]).to.equal(value);
    }
    await input.close();
    await output.close();
  });

  it('fast providing: the provider exhausts the ring, and then blocks until a consumer has acknowledged', async () => {
    const output = await client.openOutput('provider', { bufferSize: 16, buffers: 4 });
    const input = await client.openInput('provider', { inline: true });
    for (let value = 0; value < 4; value += 1) await output.write(Buffer.from([value]));
    expect([output.free, output.reserveNow()]).to.deep.equal([0, undefined]);
    const blocked = output.write(Buffer.from([4]));
    for (let value = 0; value < 5; value += 1) expect((await input.take())?.data[0]).to.equal(value);
    expect(await blocked).to.equal(true);
    await input.close();
    await output.close();
  });

  it('slow providing: nothing is signalled while no buffer comes, which is the idle state', async () => {
    const output = await client.openOutput('slow', { bufferSize: 16, buffers: 2 });
    const input = await client.openInput('slow');
    await output.write(Buffer.from('x'));
    expect((await input.take())?.size).to.equal(1);
    let before = await client.statistics('slow');
    await eventually(async () => {
      const earlier = before;
      before = await client.statistics('slow');
      return before['signals'] === earlier['signals'];
    }, 'the signals of the buffer have been sent');
    expect(await input.take({ timeoutMs: 100 })).to.equal(undefined);
    const after = await client.statistics('slow');
    expect(after['signals']).to.equal(before['signals']);
    await input.close();
    await output.close();
  });

  it('the end of a signaling link means that its peer has ended, which reveals a killed provider', async () => {
    const provider = system.program('test/fixtures/system/numbered-provider.js', ['e1', 'killed', '0', '64']);
    await provider.line();
    const input = await client.openInput('killed', { delivery: 'lossy' });
    await provider.kill();
    await eventually(() => input.sourceState === 'stale', 'the flow is stale');
    await input.close();
  });
});
