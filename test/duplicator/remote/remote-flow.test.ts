/** Flows between hosts, in one process: what arrives, in which order, and what is counted when something does not. */
import { expect } from 'chai';
import type { InputFlow } from '../../../client-lib/input-flow.js';
import type { OutputFlow } from '../../../client-lib/output-flow.js';
import { eventually } from '../../fixtures/polling.js';
import { HostRig } from './host-rig.js';

const tcp = (port: number): string => `tcp://127.0.0.1:${port}`;

/** Buffers that say in every word which they are. */
function fill(data: Buffer, sequence: number): void {
  new Uint32Array(data.buffer, data.byteOffset, data.length >>> 2).fill(sequence);
}

function whole(data: Uint8Array, sequence: number): boolean {
  return new Uint32Array(data.buffer, data.byteOffset, data.length >>> 2).every((word) => word === sequence);
}

async function write(output: OutputFlow, from: number, count: number, size: number): Promise<void> {
  for (let sequence = from; sequence < from + count; sequence += 1) {
    const slot = await output.reserve();
    fill(slot.data.subarray(0, size), sequence);
    slot.commit(size, { flags: sequence & 0xffff });
  }
}

/** Takes so many and checks each: returns the sequences. */
async function take(input: InputFlow, count: number): Promise<number[]> {
  const sequences: number[] = [];
  while (sequences.length < count) {
    const buffer = await input.take();
    if (buffer === undefined) break;
    expect(whole(buffer.data, buffer.sequence), `buffer ${buffer.sequence}`).to.equal(true);
    expect(buffer.flags).to.equal(buffer.sequence & 0xffff);
    sequences.push(buffer.sequence);
    buffer.release();
  }
  return sequences;
}

const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

describe('a flow between hosts', () => {
  const hosts: HostRig[] = [];
  const host = (secret?: string): HostRig => {
    const made = new HostRig(secret);
    hosts.push(made);
    return made;
  };

  afterEach(async () => {
    for (const made of hosts.splice(0).toReversed()) await made.close();
  });

  for (const [size, count] of [
    [64, 5_000],
    [4096, 2_000],
    [65_536, 400],
    [1_048_576, 40],
  ] as const) {
    it(`brings every buffer of ${size} bytes to a lossless consumer, under its sequence, flags and time`, async () => {
      const here = await host().local(8, size);
      const there = await host().remote(tcp(await here.serve()));
      expect(there.file.identity.properties).to.deep.equal(here.file.identity.properties);
      const input = await there.consumer();
      const output = await here.provider();
      const [got] = await Promise.all([take(input, count), write(output, 0, count, size)]);
      expect(got).to.deep.equal(upTo(count));
      expect(input.lost).to.equal(0);
      await eventually(() => here.flow.remotes[0]?.acknowledged === count, 'the sender knows');
    });
  }

  it('takes buffers of all sizes in turn', async () => {
    const here = await host().local(16, 200_000);
    const there = await host().remote(tcp(await here.serve()), ['--crc']);
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
});
