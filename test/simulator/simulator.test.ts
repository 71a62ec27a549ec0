/** The simulator's spectra and steps: repeatable, plausible, bounded. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkHeader } from '../../protocol/spectcl/display-check.js';
import { DISPLAY_HEADER_BYTES, bindings, channelsOf } from '../../protocol/spectcl/display-memory.js';
import { ChannelTable, randomBits } from '../../simulator/random.js';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator.js';
import { StorageMap } from '../../simulator/storage-map.js';
import { eventually } from '../kit/eventually.js';

describe('simulator', () => {
  const running: Simulator[] = [];

  async function start(options: SimulatorOptions = {}): Promise<Simulator> {
    const simulator = await startSimulator({ rate: 0, ...options });
    running.push(simulator);
    return simulator;
  }

  const countsOf = (simulator: Simulator, name: string): number[] => {
    const match = bindings(simulator.memory).find((binding) => binding.name === name);
    return [...channelsOf(simulator.memory, match!)];
  };

  afterEach(async () => {
    await Promise.all(running.splice(0).map((simulator) => simulator.close()));
  });

  it('a simulator repeats its events with the same seed and not with another', async () => {
    const [a, b, c] = [await start({ seed: 7 }), await start({ seed: 7 }), await start({ seed: 8 })];
    for (const simulator of [a, b, c]) for (const events of [1000, 1, 5000]) simulator.step(events);
    expect(Buffer.compare(a.memory, b.memory)).to.equal(0);
    expect(Buffer.compare(a.memory, c.memory)).to.not.equal(0);
  });

  it('the lines of a gamma source are at their energies', async () => {
    const simulator = await start();
    simulator.step(400_000);
    const counts = countsOf(simulator, 'ge.02.Cs-137');
    // 1,024 keV in 4,096 bins behind one underflow channel.
    const highest = counts.indexOf(Math.max(...counts.slice(1000, 4000)));
    expect((highest - 0.5) / 4).to.be.closeTo(661.7, 2);
  });

  it('events outside the axes are counted in the outer channels and in the statistics', async () => {
    const simulator = await start();
    simulator.step(50_000);
    const adc = bindings(simulator.memory).find(({ name }) => name === 'adc.raw')!;
    const counts = countsOf(simulator, 'adc.raw');
    expect(counts[0]).to.equal(adc.underflows[0]);
    expect(counts.at(-1)).to.equal(adc.overflows[0]);
    expect(adc.underflows[0]).to.be.greaterThan(0);
    expect(counts.reduce((sum, count) => sum + count)).to.equal(25_000);
  });

  it('a simulator makes steps of events by itself', async () => {
    const simulator = await start({ rate: 10_000, intervalMs: 2 });
    await eventually(() => simulator.events >= 200);
    simulator.setRate(0);
    const { events } = simulator;
    expect(events % 20).to.equal(0);
  });

  it('a sparse step changes the given percentage of blocks', async () => {
    const simulator = await start({ sparsePercent: 10, fillers: 20, channelBytes: 4 * 1024 * 1024 });
    const before = Buffer.from(simulator.memory);
    simulator.step(10_000);
    let changed = 0;
    let blocks = 0;
    for (let at = Math.ceil(DISPLAY_HEADER_BYTES / 4096) * 4096; at < before.byteLength; at += 4096) {
      blocks++;
      if (Buffer.compare(before.subarray(at, at + 4096), simulator.memory.subarray(at, at + 4096)) !== 0) {
        changed++;
      }
    }
    expect(changed / blocks).to.be.within(0.07, 0.11);
    expect(
      Buffer.compare(
        before.subarray(0, DISPLAY_HEADER_BYTES),
        simulator.memory.subarray(0, DISPLAY_HEADER_BYTES),
      ),
    ).to.equal(0);
  });

  it('a simulator fills all 10,000 slots', async () => {
    const simulator = await start({ fillers: 9_999, spectra: [], channelBytes: 16 * 1024 * 1024 });
    simulator.step(1000);
    expect(bindings(simulator.memory)).to.have.length(10_000);
    expect(checkHeader(simulator.memory, 16 * 1024 * 1024)).to.deep.equal([]);
  });

  it('freed slots and storage are used again, cleared', async () => {
    const simulator = await start({ spectra: [], checksum: false, channelBytes: 1024 });
    const axes = [{ parameter: 'p', low: 0, high: 1, bins: 126, unit: '' }];
    const weights = new Float64Array(126).fill(1);
    for (const name of ['a', 'b']) simulator.define({ name, type: 4, axes, weights });
    simulator.step(1000);
    const code = (run: () => void): string => {
      try {
        run();
      } catch (error) {
        if (error instanceof MirrorflowError) return error.code;
        throw error;
      }
      return 'none';
    };
    expect(code(() => simulator.define({ name: 'c', type: 4, axes }))).to.equal('TOO_LARGE');
    expect(code(() => simulator.define({ name: 'a', type: 4, axes }))).to.equal('BAD_NAME');
    expect(code(() => simulator.define({ name: 'd', type: 5, axes }))).to.equal('BAD_OPTION');
    expect(simulator.rename('a', 'b')).to.equal(false);
    expect(simulator.undefine('a')).to.equal(true);
    expect(simulator.undefine('a')).to.equal(false);
    simulator.define({ name: 'c', type: 4, axes });
    expect(bindings(simulator.memory).map(({ slot, name }) => [slot, name])).to.deep.equal([
      [0, 'c'],
      [1, 'b'],
    ]);
    expect(countsOf(simulator, 'c').every((count) => count === 0)).to.equal(true);
  });

  it('a port in use is reported as ADDRESS_IN_USE', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      await startSimulator({ rate: 0, mirrorPort: (other.address() as AddressInfo).port });
      expect.fail('it started');
    } catch (error) {
      expect(error).to.be.instanceOf(MirrorflowError).with.property('code', 'ADDRESS_IN_USE');
    } finally {
      other.close();
    }
  });
});

describe('channel table', () => {
  it('channels are drawn in proportion to their weights', () => {
    const weights = Float64Array.of(1, 0, 7, 2);
    const table = new ChannelTable(weights);
    const random = randomBits(3);
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 100_000; draw++) counts[table.draw(random)]!++;
    expect(counts[1]).to.equal(0);
    counts.forEach((count, channel) => expect(count / 10_000).to.be.closeTo(weights[channel]!, 0.1));
  });
});

describe('storage map', () => {
  it('the storage map allocates no byte twice', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(0))), (steps) => {
        const map = new StorageMap(1000);
        const held: { offset: number; bytes: number }[] = [];
        for (const bytes of steps) {
          const extent = bytes === 0 ? undefined : map.allocate(bytes);
          if (extent !== undefined) held.push(extent);
          if (bytes === 0 && held.length > 0) map.free(held.shift()!);
          const sorted = held.toSorted((a, b) => a.offset - b.offset);
          sorted.forEach((extent, index) => {
            expect(extent.offset % 8).to.equal(0);
            expect(extent.offset + extent.bytes).to.be.at.most(sorted[index + 1]?.offset ?? 1000);
          });
        }
      }),
    );
  });
});
