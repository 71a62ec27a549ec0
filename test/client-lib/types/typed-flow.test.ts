/** Typed flows end to end, over real servers. */
import { expect } from 'chai';
import { array, bytes, compressed, connect, json, MirrorflowError, type Client } from 'mirrorflow';
import { detectorEvents } from '../../../examples/typed-flow/detector-events.js';
import { eventually } from '../../kit/eventually.js';
import { RealSystem } from '../../kit/real-system.js';

async function failureOf(promise: Promise<unknown>): Promise<MirrorflowError> {
  const thrown: unknown = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  expect(thrown).to.be.instanceOf(MirrorflowError);
  return thrown as MirrorflowError;
}

describe('typed flows', () => {
  let system: RealSystem;
  let provider: Client;
  let consumer: Client;
  before(async () => {
    system = new RealSystem();
    await system.startHost('e1');
    const { directory } = system;
    provider = await connect({ app: 'e1', name: 'provider', directory });
    consumer = await connect({ app: 'e1', name: 'consumer', directory });
  });
  after(async () => {
    await Promise.all([provider.close(), consumer.close()]);
    await system.stop(false);
  });

  for (const inline of [false, true]) {
    const how = inline ? 'inline' : 'with a flow thread';

    it(`typed flows carry JSON values, ${how}`, async () => {
      const flow = `json-${String(inline)}`;
      const out = await provider.openOutput(flow, { type: json<{ n: number }>(), maxBytes: 256, buffers: 4 });
      const input = await consumer.openInput(flow, { type: json<{ n: number }>(), inline, history: 4 });
      const writing = Promise.all(Array.from({ length: 50 }, (_, n) => out.write({ n })));
      for (let n = 0; n < 50; n += 1) {
        const buffer = await input.take();
        expect(buffer).to.include({ sequence: n, error: undefined });
        expect(buffer!.value).to.deep.equal({ n });
      }
      await writing;
      expect(input.lost).to.equal(0);
      await input.close();
      await out.close();
    });

    it(`typed flows carry arrays that are filled in the flow file and read in place, ${how}`, async () => {
      const flow = `array-${String(inline)}`;
      const type = array('f64', [8, 8]);
      const out = await provider.openOutput(flow, { type });
      expect(out.bufferSize).to.equal(8 * 64 + 32);
      const input = await consumer.openInput(flow, { type, inline });
      const slot = await out.reserve([2, 8]);
      expect(slot.value.byteOffset % 8).to.equal(0);
      slot.value.fill(1.5);
      slot.commit({ flags: 7 });
      expect(() => slot.commit()).to.throw('already');
      const buffer = (await input.take())!;
      expect(buffer.shape).to.deep.equal([2, 8]);
      expect(buffer.array).to.deep.equal(new Float64Array(16).fill(1.5));
      expect(buffer.flags & 0xffff).to.equal(7);
      expect(buffer.array.byteOffset % 8).to.equal(0);
      const kept = buffer.copy();
      buffer.release();
      expect(() => buffer.array).to.throw('released');
      expect(kept).to.have.length(16);
      await input.close();
      await out.close();
    });
  }

  it('takes of every kind return the buffers of the flow type', async () => {
    const type = compressed(array('i16'));
    const out = await provider.openOutput('takes', { type, maxBytes: 1024 });
    const input = await consumer.openInput('takes', { type, history: 16 });
    const write = (n: number) => out.write(new Int16Array(100).fill(n));
    for (let n = 0; n < 8; n += 1) await write(n);
    const first = (buffer: { array: Int16Array } | undefined) => buffer?.array[0];
    expect(first(await input.take())).to.equal(0);
    expect(first(input.takeSync(45_000))).to.equal(1);
    while (input.ready < 6) await new Promise((resolve) => setImmediate(resolve));
    expect(first(input.takeNow())).to.equal(2);
    expect(input.newest(2).map(first)).to.deep.equal([6, 7]);
    expect(input.takeAll(2).map(first)).to.deep.equal([3, 4]);
    const seen: unknown[] = [];
    for await (const buffer of input) {
      seen.push(first(buffer));
      if (seen.length === 3) break;
    }
    expect(seen).to.deep.equal([5, 6, 7]);
    expect(input.free).to.be.greaterThan(0);
    await input.close();
    await out.close();
  });

  it('a typed flow continues after a buffer with wrong bytes, which has an error', async () => {
    const raw = await provider.openOutput('garbage', { type: 'json', bufferSize: 64 });
    const input = await consumer.openInput('garbage', { type: json<number>() });
    await raw.write(Buffer.from('{"half":'));
    await raw.write(Buffer.from('1'));
    const bad = (await input.take())!;
    expect(bad.error?.code).to.equal('BAD_MESSAGE');
    expect(bad.error?.message).to.include('buffer 0');
    expect(() => bad.value).to.throw('buffer 0');
    expect((await input.take())?.value).to.equal(1);
    await input.close();
    await raw.close();
  });

  it('a consumer without a type reads the plain bytes of a typed flow', async () => {
    const out = await provider.openOutput('as-is', { type: json(), maxBytes: 64 });
    const input = await consumer.openInput('as-is');
    await out.write([1, 2]);
    expect(Buffer.from((await input.take())!.data).toString()).to.equal('[1,2]');
    await input.close();
    await out.close();
  });

  it('a consumer of another type or element kind gets WRONG_FLOW_TYPE naming both', async () => {
    const out = await provider.openOutput('i32s', { type: array('i32', [4, 4]) });
    const other = await failureOf(consumer.openInput('i32s', { type: compressed(json()) }));
    expect(other.code).to.equal('WRONG_FLOW_TYPE');
    expect(other.message).to.include('type array').and.to.include('deflate/json');
    const element = await failureOf(consumer.openInput('i32s', { type: array('f64', [4, 4]) }));
    expect(element.code).to.equal('WRONG_FLOW_TYPE');
    expect(element.message).to.include('"i32"').and.to.include('"f64"');
    const small = await failureOf(consumer.openInput('i32s', { type: array('i32', [4, 3]) }));
    expect(small.message).to.include('[4,4]').and.to.include('[4,3]');
    for (const type of [array('i32'), array('i32', [9, 4])]) {
      await (await consumer.openInput('i32s', { type })).close();
    }
    await eventually(async () => {
      const flow = (await consumer.flows()).find((one) => one.flow === 'i32s');
      return flow?.clients === 1;
    }, 'only the provider has the flow open');
    await out.close();
  });

  it('a provider of another type or with other properties gets WRONG_FLOW_TYPE naming both', async () => {
    const out = await provider.openOutput('mine', { type: detectorEvents('clover'), maxBytes: 64 });
    const type = await failureOf(consumer.openOutput('mine', { type: json(), maxBytes: 64 }));
    expect(type.code).to.equal('WRONG_FLOW_TYPE');
    expect(type.message).to.include('detector-events').and.to.include('json');
    const busy = await failureOf(
      consumer.openOutput('mine', { type: detectorEvents('clover'), maxBytes: 64 }),
    );
    expect(busy.code).to.equal('FLOW_BUSY');
    const reader = await consumer.openInput('mine');
    await out.close();
    await expectLeft(consumer, 'mine', 1);
    const other = await failureOf(
      provider.openOutput('mine', { type: detectorEvents('silicon'), maxBytes: 64 }),
    );
    expect(other.code).to.equal('WRONG_FLOW_TYPE');
    expect(other.message).to.include('clover').and.to.include('silicon');
    await reader.close();
  });

  it('a value that does not fit or is wrong is refused, and the next one is written', async () => {
    const out = await provider.openOutput('fits', { type: json(), maxBytes: 16 });
    const input = await consumer.openInput('fits', { type: json() });
    expect((await failureOf(out.write('x'.repeat(20)))).code).to.equal('TOO_LARGE');
    expect((await failureOf(out.write(1n))).code).to.equal('BAD_OPTION');
    expect((await failureOf(out.write(undefined))).code).to.equal('BAD_OPTION');
    expect((await failureOf(out.reserve())).message).to.include('write()');
    expect(await out.write('y')).to.equal(true);
    expect(await input.take()).to.include({ sequence: 0, value: 'y' });
    await input.close();
    await out.close();
  });

  it('typed writes and reservations that wait for room keep their order', async () => {
    const out = await provider.openOutput('turns', { type: bytes(), bufferSize: 8, buffers: 2 });
    const input = await consumer.openInput('turns', { type: bytes(), inline: true });
    const writes: Promise<unknown>[] = [];
    for (let n = 0; n < 6; n += 1) writes.push(out.write(Uint8Array.of(n)));
    const slot = out.reserve(1);
    const between = slot.then(async (reserved) => {
      expect((await failureOf(out.write(Uint8Array.of(0)))).message).to.include('reserved');
      reserved.value[0] = 6;
      reserved.commit();
    });
    for (let n = 0; n <= 6; n += 1) {
      const buffer = await input.take();
      expect(buffer?.value[0]).to.equal(n);
      buffer?.release();
    }
    await Promise.all([...writes, between]);
    const given = await out.reserve(1);
    given.giveUp();
    await out.write(Uint8Array.of(7));
    expect((await input.take())?.value[0]).to.equal(7);
    await input.close();
    await out.close();
  });

  it('typed flows continue after their duplicator was killed', async () => {
    const type = json<string>();
    const first = await provider.openOutput('again', { type, maxBytes: 32 });
    const input = await consumer.openInput('again', { type });
    await first.write('before');
    expect((await input.take())?.value).to.equal('before');
    const { pid } = (await consumer.flows()).find(({ flow }) => flow === 'again')!;
    const detached = new Promise((resolve) => first.output.once('detached', resolve));
    process.kill(pid!, 'SIGKILL');
    await detached;
    // The write waits for the next duplicator.
    await first.write('after');
    expect((await input.take())?.value).to.equal('after');
    await input.close();
    await first.close();
  });

  it('a typed write follows the policy for a full ring', async () => {
    const out = await provider.openOutput('full', {
      type: json(),
      maxBytes: 8,
      buffers: 2,
      whenFull: 'drop',
    });
    const input = await consumer.openInput('full', { type: json(), inline: true });
    const written = await Promise.all([0, 1, 2, 3].map((n) => out.write(n)));
    expect(written).to.deep.equal([true, true, false, false]);
    expect(out.output.lost).to.equal(2);
    expect(input.takeAll().map(({ value }) => value)).to.deep.equal([0, 1]);
    await input.close();
    await out.close();
  });

  it('opening a typed output needs the largest size of a value, unless the type states it', async () => {
    const error = await failureOf(provider.openOutput('sizes', { type: json() }));
    expect(error.code).to.equal('BAD_OPTION');
    expect(error.message).to.include('maxBytes');
  });
});

async function expectLeft(client: Client, name: string, clients: number): Promise<void> {
  await eventually(
    async () => (await client.flows()).find(({ flow }) => flow === name)?.clients === clients,
    `${name} has ${clients} clients`,
  );
}
