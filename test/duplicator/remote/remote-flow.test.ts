/**
 * Flows between hosts, with both duplicators in the test's process: which buffers arrive, in which
 * order, and what is counted as lost.
 */
import { expect } from 'chai';
import type { InputFlow } from '../../../client-lib/input/input-flow.js';
import type { OutputFlow } from '../../../client-lib/output/output-flow.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import { CuttingProxy } from '../../kit/cutting-proxy.js';
import { eventually } from '../../kit/eventually.js';
import { LocalHost } from '../../kit/local-host.js';

const tcp = (port: number): string => `tcp://127.0.0.1:${port}`;

/** Writes the sequence into every word of the buffer. */
function fill(data: Buffer, sequence: number): void {
  new Uint32Array(data.buffer, data.byteOffset, data.length >>> 2).fill(sequence);
}

function isWhole(data: Uint8Array, sequence: number): boolean {
  return new Uint32Array(data.buffer, data.byteOffset, data.length >>> 2).every((word) => word === sequence);
}

async function write(output: OutputFlow, from: number, count: number, size: number): Promise<void> {
  for (let sequence = from; sequence < from + count; sequence += 1) {
    const slot = await output.reserve();
    fill(slot.data.subarray(0, size), sequence);
    slot.commit(size, { flags: sequence & 0xffff });
  }
}

/** Takes `count` buffers and checks each. Returns their sequences. */
async function take(input: InputFlow, count: number): Promise<number[]> {
  const sequences: number[] = [];
  while (sequences.length < count) {
    const buffer = await input.take();
    if (buffer === undefined) break;
    expect(isWhole(buffer.bytes, buffer.sequence), `buffer ${buffer.sequence}`).to.equal(true);
    expect(buffer.flags).to.equal(buffer.sequence & 0xffff);
    sequences.push(buffer.sequence);
    buffer.release();
  }
  return sequences;
}

const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

describe('a flow between hosts', () => {
  const hosts: LocalHost[] = [];
  const host = (): LocalHost => {
    const rig = new LocalHost();
    hosts.push(rig);
    return rig;
  };

  afterEach(async () => {
    for (const rig of hosts.splice(0).toReversed()) await rig.close();
  });

  for (const [size, count] of [
    [64, 5_000],
    [4096, 2_000],
    [65_536, 400],
    [1_048_576, 40],
  ] as const) {
    it(`a lossless consumer on another host receives every buffer of ${size} bytes under its sequence and flags`, async () => {
      const here = await host().local(8, size);
      const there = await host().remote(tcp(await here.serve()));
      expect(there.file.identity.properties).to.deep.equal(here.file.identity.properties);
      const input = await there.consumer();
      const output = await here.provider();
      const [got] = await Promise.all([take(input, count), write(output, 0, count, size)]);
      expect(got).to.deep.equal(upTo(count));
      expect(input.lost).to.equal(0);
      await eventually(() => here.flow.remotes[0]?.acknowledged === count, 'the last acknowledgement');
    });
  }

  it('buffers that arrive together with a change of the source state are acknowledged', async () => {
    const here = await host().local(8, 64);
    const proxy = await CuttingProxy.inFrontOf(await here.serve());
    const there = await host().remote(proxy.address);
    const input = await there.consumer();
    const output = await here.provider();
    await write(output, 0, 1, 64);
    await eventually(
      () => here.flow.remotes[0]?.acknowledged === 1,
      'the acknowledgement of the first buffer',
    );
    proxy.stall();
    await write(output, 1, 7, 64);
    await output.close();
    await eventually(() => here.file.provider.state === 'ended', 'the end of the provider at the sender');
    proxy.resume();
    expect(await take(input, 8)).to.deep.equal(upTo(8));
    await eventually(() => here.flow.remotes[0]?.acknowledged === 8, 'the last acknowledgement');
    await proxy.close();
  });

  it('buffers of different sizes arrive with valid checksums', async () => {
    const here = await host().local(16, 200_000);
    const there = await host().remote(tcp(await here.serve()), { crc: true });
    const input = await there.consumer();
    const output = await here.provider();
    const sizes = [4, 200_000, 0, 60_000, 16_384, 16_380, 199_996, 8, 8, 8, 150_000, 150_000, 32];
    const writing = (async () => {
      for (let sequence = 0; sequence < 300; sequence += 1) {
        const size = sizes[sequence % sizes.length] ?? 0;
        await write(output, sequence, 1, size);
      }
    })();
    expect(await take(input, 300)).to.deep.equal(upTo(300));
    await writing;
    expect(input.lost).to.equal(0);
  });

  it('a link that is cut again and again is made again each time, and no buffer is lost', async () => {
    const here = await host().local(256, 20_000);
    const proxy = await CuttingProxy.inFrontOf(await here.serve());
    const there = await host().remote(proxy.address);
    const input = await there.consumer();
    const causes: string[] = [];
    there.flow.on('state', (_state, cause) => void causes.push(cause?.message ?? ''));
    const output = await here.provider();
    let written = 0;
    const writing = (async () => {
      for (; written < 3_000; written += 1) {
        await write(output, written, 1, 20_000);
        if (written % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    const taking = take(input, 3_000);
    for (let cuts = 1; cuts <= 12; cuts += 1) {
      const reached = Math.min(2_900, cuts * 220);
      await eventually(() => there.file.published >= reached, `buffer ${reached}`, 20_000);
      proxy.cut();
      await eventually(() => proxy.connections > cuts, `connection ${cuts + 1}`);
    }
    expect(await taking).to.deep.equal(upTo(3_000));
    await writing;
    // Buffers that had arrived whole before a cut are not requested again, which would end the next
    // link.
    expect(causes.filter((cause) => cause.includes('was expected'))).to.deep.equal([]);
    expect(input.lost).to.equal(0);
    expect(there.file.counter(COUNTERS.missing.id)).to.equal(0);
    await proxy.close();
  });

  it('the buffers that a small ring lost during a cut are counted exactly', async () => {
    const here = await host().local(16, 100);
    const proxy = await CuttingProxy.inFrontOf(await here.serve());
    const there = await host().remote(proxy.address);
    const input = await there.consumer({ inline: false, history: 64 });
    const output = await here.provider();
    await write(output, 0, 10, 100);
    expect(await take(input, 10)).to.deep.equal(upTo(10));
    proxy.refusing = true;
    proxy.cut();
    await eventually(() => there.flow.sourceState === 'stale', 'the receiver to notice the cut');
    // A receiver that was cut off holds the provider back for the reattach time only.
    await write(output, 10, 100, 100);
    proxy.refusing = false;
    const got = await take(input, 16);
    expect(got).to.deep.equal(upTo(16, 94));
    expect(input.lost).to.equal(84);
    expect(there.file.counter(COUNTERS.missing.id)).to.equal(84);
    expect(there.file.counter(COUNTERS.gaps.id)).to.equal(1);
    await write(output, 110, 3, 100);
    expect(await take(input, 3)).to.deep.equal(upTo(3, 110));
    await proxy.close();
  });

  it('a link that is silent without being closed is detected at both ends and made again', async () => {
    const here = await host().local(64, 100);
    const proxy = await CuttingProxy.inFrontOf(await here.serve());
    const there = await host().remote(proxy.address);
    const input = await there.consumer();
    const output = await here.provider();
    await write(output, 0, 5, 100);
    await take(input, 5);
    proxy.stall();
    await eventually(() => there.flow.sourceState === 'stale', 'the receiver to close the link');
    await eventually(() => here.flow.remotes.length === 0, 'the sender to close the link');
    await write(output, 5, 5, 100);
    proxy.resume();
    expect(await take(input, 5)).to.deep.equal(upTo(5, 5));
    expect(there.flow.sourceState).to.equal('live');
    expect(input.lost).to.equal(0);
    await proxy.close();
  });

  it('only a lossless consumer that reads nothing holds back a flow between hosts', async () => {
    const here = await host().local(8, 50_000);
    const there = await host().remote(tcp(await here.serve()), {}, 4);
    const lossy = await there.consumer({ delivery: 'lossy' });
    const output = await here.provider();
    await write(output, 0, 200, 50_000); // a lossy consumer may miss some
    await eventually(() => there.file.published === 200, 'the last of them');
    const input = await there.consumer({ start: 'next' });
    const first = (await Promise.all([take(input, 1), write(output, 200, 1, 50_000)]))[0][0] ?? 0;
    const writing = write(output, 201, 40, 50_000);
    // The consumer reads nothing: only what both rings hold can be written.
    await eventually(() => here.file.published >= 201 + 4 + 8 - 1, 'full rings');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(here.file.published).to.be.at.most(201 + 4 + 8);
    expect(here.flow.remotes[0]).to.include({ delivery: 'lossless', holding: true });
    expect(await take(input, 40)).to.deep.equal(upTo(40, first + 1));
    await writing;
    expect(input.lost).to.equal(0);
    await input.close();
    await eventually(
      () => here.flow.remotes[0]?.delivery === 'lossy',
      'lossy delivery, without a lossless consumer',
    );
    await write(output, 241, 200, 50_000);
    expect(lossy.lost).to.be.at.least(0);
  });

  it('a host that stalled receives the flow lossily from then on', async () => {
    const here = await host().local(8, 50_000, { stallTimeoutMs: 100 });
    const there = await host().remote(tcp(await here.serve()), {}, 4);
    const input = await there.consumer();
    const output = await here.provider();
    const count = 800; // more than both rings and all sockets hold
    await write(output, 0, count, 50_000); // completes although the consumer takes nothing
    await eventually(() => here.flow.remotes[0]?.delivery === 'lossy', 'lossy delivery');
    let got = 0;
    while (got < count - 1) got = (await take(input, 1))[0] ?? got;
    expect(input.lost).to.be.above(0);
    expect(input.taken.buffers + input.lost).to.equal(count);
  });

  it('consumers on another host learn of the end of a provider and of the next provider', async () => {
    const here = await host().local(16, 100);
    const there = await host().remote(tcp(await here.serve()));
    const input = await there.consumer();
    const seen: string[] = [];
    input.on('state', (state, generation) => seen.push(`${state} ${generation}`));
    const first = await here.provider();
    await write(first, 0, 3, 100);
    const taken = await take(input, 3);
    await first.close();
    await eventually(() => seen.includes('ended 1'), 'the end');
    const second = await here.provider();
    await write(second, 3, 2, 100);
    expect([...taken, ...(await take(input, 2))]).to.deep.equal(upTo(5));
    await eventually(() => seen.includes('live 2'), 'the next provider');
    expect(there.file.provider).to.deep.equal({ state: 'live', generation: 2 });
  });

  it('a flow passes a chain of hosts with one copy on each link', async () => {
    const a = await host().local(32, 30_000);
    const b = await host().remote(tcp(await a.serve()));
    const proxy = await CuttingProxy.inFrontOf(await b.serve());
    const c = await host().remote(proxy.address);
    const inputs = await Promise.all([b.consumer(), ...upTo(5).map(() => c.consumer())]);
    const output = await a.provider();
    const got = await Promise.all([
      ...inputs.map((input) => take(input, 200)),
      write(output, 0, 200, 30_000),
    ]);
    for (const sequences of got.slice(0, -1)) expect(sequences).to.deep.equal(upTo(200));
    expect(inputs.map((input) => input.lost)).to.deep.equal(upTo(6).map(() => 0));
    expect([a.flow.remotes.length, b.flow.remotes.length]).to.deep.equal([1, 1]);
    expect(proxy.passedBytes).to.be.within(200 * 30_000, 200 * 30_100);
    await proxy.close();
  });

  it('a host that is a whole ring behind when it is cut off still receives the whole ring', async () => {
    const a = await host().local(16, 20_000);
    const b = await host().remote(tcp(await a.serve()));
    const proxy = await CuttingProxy.inFrontOf(await b.serve());
    const c = await host().remote(proxy.address, {}, 4);
    const idle = await c.consumer();
    const output = await a.provider();
    const writing = write(output, 0, 60, 20_000);
    // Only the place that is kept for the receiver holds b's ring: the next buffer would overwrite
    // the one that the receiver needs next.
    await eventually(() => c.file.published === 4 && b.file.published === 20, 'full rings');
    proxy.cut();
    await eventually(() => proxy.connections === 2 && b.flow.remotes.length === 1, 'the next connection');
    expect(await take(idle, 60)).to.deep.equal(upTo(60));
    await writing;
    expect([idle.lost, c.file.counter(COUNTERS.missing.id)]).to.deep.equal([0, 0]);
    await proxy.close();
  });

  it('a new receiver starts at the oldest buffer that the sender still has, and counts none before it as lost', async () => {
    const here = await host().local(8, 100);
    const output = await here.provider();
    await write(output, 0, 50, 100);
    const there = await host().remote(tcp(await here.serve()));
    await eventually(() => there.file.published === 50, 'the buffers of the sender');
    expect(there.file.counter(COUNTERS.missing.id)).to.equal(0);
    const input = await there.consumer({ start: 'oldest' });
    const next = write(output, 50, 10, 100);
    const got = await take(input, 15);
    await next;
    expect(got).to.deep.equal(upTo(15, got[0]));
    expect(got[0]).to.be.within(42, 45);
    expect(input.lost).to.equal(0);
  });
});
