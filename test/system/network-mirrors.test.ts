/**
 * Mirrors between hosts of a network lab: each link carries one copy for any number of readers,
 * only changed blocks, at the pace of a slow link.
 */
import { expect } from 'chai';
import type { Client } from '../../client-lib/index.js';
import { verifyChecksum } from '../../simulator/checksum.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { HostNetwork } from '../kit/host-network.js';
import { NetworkLab } from '../network/lab.js';
import { needsLab } from '../network/needs-lab.js';
import { eventually } from '../kit/eventually.js';

const APP = 'e1';
const CHAIN = ['a', 'b', 'c'];
const MEMORY_BYTES = 8 * 2 ** 20;
const READERS = 20;

describe('mirrors between hosts', function () {
  this.timeout(120_000);
  let lab: NetworkLab;
  let hosts: HostNetwork;

  before(function () {
    needsLab(this);
  });

  beforeEach(async () => {
    lab = await NetworkLab.make(CHAIN);
    hosts = await HostNetwork.inLab(lab);
  });

  afterEach(async function () {
    await hosts.stop(this.currentTest?.state === 'failed');
  });

  /**
   * Mirrors a SpecTcl of host a on a, from a on b, and from b on c. `percent` of its blocks change
   * every `intervalMs`.
   */
  async function mirrors(percent: number, intervalMs: number): Promise<Client[]> {
    const simulator = hosts.system('a').program('simulator/main.js', [
      '--json', '--end-with-stdin', '--no-delay', '--memory', '8', '--sparse', String(percent), '--interval', String(intervalMs),
    ]); // prettier-ignore
    const { address } = JSON.parse(await simulator.line()) as { address: string };
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

  /** Bytes that a host receives for each publication, measured over `updates` publications. */
  async function bytesPerUpdate(name: string, updates: number): Promise<number> {
    const before = { ...(await lab.bytes(name)), published: publishedOn(name) };
    await eventually(() => publishedOn(name) >= before.published + updates, `${updates} updates on ${name}`);
    const after = { ...(await lab.bytes(name)), published: publishedOn(name) };
    return (after.received - before.received) / (after.published - before.published);
  }

  it('a mirror crosses each link of a chain once for twenty readers on each host', async () => {
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
    // A second copy on a link would double the bytes.
    expect(b / alone, 'from a to b').to.be.below(1.5);
    expect(c / alone, 'from b to c').to.be.below(1.5);
    for (const reader of readers) {
      const check = (await reader.mirror()).read((spectra) => verifyChecksum(spectra.memory));
      expect(check).to.include({ ok: true, bindingsOk: true });
    }
  });

  it('a mirror between hosts takes at most a fifteenth of SpecTcl’s bytes when 5 % of the blocks change', async () => {
    await mirrors(5, 100);
    await bytesPerUpdate('b', 2);
    const bytes = await bytesPerUpdate('b', 20);
    process.stderr.write(`      1/${(MEMORY_BYTES / bytes).toFixed(0)} of SpecTcl's bytes\n`);
    expect(bytes).to.be.at.most(MEMORY_BYTES / 15);
  });

  it('a mirror keeps ten updates a second over 10 Mbit/s with 20 ms each way when 1 % of the blocks change', async () => {
    await mirrors(1, 50);
    await lab.shape('b', { bitsPerSecond: 10_000_000, delayMs: 20 });
    await bytesPerUpdate('b', 5);
    const before = { a: publishedOn('a'), b: publishedOn('b') };
    await eventually(() => publishedOn('a') >= before.a + 40, 'forty updates on host a');
    const ratio = (publishedOn('b') - before.b) / (publishedOn('a') - before.a);
    process.stderr.write(`      ${(ratio * 20).toFixed(1)} of twenty updates a second\n`);
    // SpecTcl's host has twenty updates a second; half of them are ten.
    expect(ratio).to.be.at.least(0.5);
  });
});
