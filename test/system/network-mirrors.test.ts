/**
 * Mirrors that hosts have from each other: one copy on each link whatever number of readers,
 * changed blocks only, at the pace of a slow link.
 */
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import type { Client } from '../../client-lib/index.js';
import { verifyChecksum } from '../../simulator/checksum.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { LabHosts } from '../network/lab-hosts.js';
import { needsLab } from '../network/needs-lab.js';
import { eventually } from '../kit/eventually.js';

const APP = 'e1';
const CHAIN = ['a', 'b', 'c'];
const MEMORY_BYTES = 8 * 2 ** 20;
const READERS = 20;

describe('mirrors between hosts', function () {
  this.timeout(120_000);
  let hosts: LabHosts;

  before(function () {
    needsLab(this);
  });

  beforeEach(async () => {
    hosts = await LabHosts.start(CHAIN);
  });

  afterEach(async function () {
    await hosts.close(this.currentTest?.state === 'failed');
  });

  /**
   * A SpecTcl on host a, mirrored there, from there on b, and from b on c. `percent` of its blocks
   * change every `intervalMs`.
   */
  async function mirrors(percent: number, intervalMs: number): Promise<Client[]> {
    const simulator = hosts.system('a').program('simulator/main.js', [
      '--json', '--end-with-stdin', '--no-delay', '--memory', '8', '--sparse', String(percent), '--interval', String(intervalMs),
    ]); // prettier-ignore
    if (simulator.stdout === null) throw new Error('no output');
    const line = await createInterface(simulator.stdout)[Symbol.asyncIterator]().next();
    const { address } = JSON.parse(String(line.value)) as { address: string };
    await hosts.system('a').host.run({ name: APP, source: address, updateIntervalMs: intervalMs });
    await hosts.system('b').host.run({ name: APP, via: 'a' });
    await hosts.system('c').host.run({ name: APP, via: 'b' });
    const clients: Client[] = [];
    for (const name of CHAIN) {
      const client = await hosts.system(name).client(APP, `reader-${name}`);
      await client.getMemory();
      clients.push(client);
    }
    return clients;
  }

  const publishedOn = (name: string): number => {
    const file = openFlowFile(flowFilePath(hosts.system(name).flowDirectory, APP, 'spectra'), 'read');
    return file.published;
  };

  /** Bytes that a host got for each publication, while it published so many. */
  async function bytesPerUpdate(name: string, updates: number): Promise<number> {
    const before = { ...(await hosts.lab.bytes(name)), published: publishedOn(name) };
    await eventually(() => publishedOn(name) >= before.published + updates, `${updates} updates on ${name}`);
    const after = { ...(await hosts.lab.bytes(name)), published: publishedOn(name) };
    return (after.received - before.received) / (after.published - before.published);
  }

  it('cross each link once in a chain of three hosts with twenty readers each, and every reader has the same', async () => {
    const readers = await mirrors(5, 100);
    const alone = await bytesPerUpdate('c', 10);
    for (const name of CHAIN) {
      for (let count = 1; count < READERS; count += 1) {
        const client = await hosts.system(name).client(APP, `reader-${name}-${count}`);
        await client.getMemory();
        readers.push(client);
      }
    }
    const [b, c] = [await bytesPerUpdate('b', 10), await bytesPerUpdate('c', 10)];
    // One connection of b with SpecTcl's host and one of c with b; a second copy would double it.
    expect(b / alone, 'from a to b').to.be.below(1.5);
    expect(c / alone, 'from b to c').to.be.below(1.5);
    for (const reader of readers) {
      const right = (await reader.mirror()).read((spectra) => verifyChecksum(spectra.memory));
      expect(right).to.include({ ok: true, bindingsOk: true });
    }
  });

  it('take a fifteenth of the bytes that SpecTcl would send, at most, when 5 % of the blocks change', async () => {
    await mirrors(5, 100);
    await bytesPerUpdate('b', 2);
    const bytes = await bytesPerUpdate('b', 20);
    process.stderr.write(`      1/${(MEMORY_BYTES / bytes).toFixed(0)} of SpecTcl's bytes\n`);
    expect(bytes).to.be.at.most(MEMORY_BYTES / 15);
  });

  it('keep their pace over 10 Mbit/s with 20 ms each way, when 1 % of the blocks change', async () => {
    await mirrors(1, 50);
    await hosts.lab.shape('b', { bitsPerSecond: 10_000_000, delayMs: 20 });
    await bytesPerUpdate('b', 5);
    const before = { a: publishedOn('a'), b: publishedOn('b') };
    await eventually(() => publishedOn('a') >= before.a + 40, 'forty updates');
    const ratio = (publishedOn('b') - before.b) / (publishedOn('a') - before.a);
    process.stderr.write(`      ${(ratio * 20).toFixed(1)} of twenty updates a second\n`);
    // SpecTcl's host has twenty updates a second; half of them are ten.
    expect(ratio).to.be.at.least(0.5);
  });
});
