/** Duplicators that die under a lossless flow: what was published is delivered, once, in order, from the same file. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Client, InputFlow } from '../../client-lib/index.js';
import { WholeSystem, eventually } from './whole-system.js';

const BUFFERS = 8;

describe('a lossless flow', () => {
  let system: WholeSystem;
  let file: string;
  let provider: Client;
  let input: InputFlow;

  beforeEach(async () => {
    system = new WholeSystem();
    await system.startHost();
    await system.host.run({ name: 'e1', lingerMs: 60_000 });
    file = join(system.flowDirectory, 'e1', 'events.flow');
    provider = await system.client('e1', 'provider');
    const consumer = await system.client('e1', 'consumer');
    const output = await provider.openOutput('events', { bufferSize: 100, buffers: BUFFERS });
    input = await consumer.openInput('events', { inline: true, start: 'oldest' });
    for (let n = 0; n < BUFFERS; n += 1) await output.write(Buffer.alloc(100, n));
  });
  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  /** Takes buffers first to last, each of which must be the next. */
  async function take(first: number, last: number): Promise<void> {
    for (let n = first; n <= last; n += 1) {
      const buffer = await input.take();
      expect([buffer?.sequence, buffer?.data[0], buffer?.data[99]]).to.deep.equal([n, n, n]);
    }
  }
  const duplicator = async (): Promise<number> => (await system.duplicatorPid(provider, 'events')) ?? 0;

  it('loses nothing when its duplicator is killed, and goes on in the same file', async () => {
    await take(0, 2);
    const inode = statSync(file).ino;
    const before = await duplicator();
    process.kill(before, 'SIGKILL');
    await eventually('another duplicator', async () => ((await duplicator()) || before) !== before);
    await take(3, BUFFERS - 1);
    expect([statSync(file).ino, input.lost]).to.deep.equal([inode, 0]);
  });

  it('loses nothing when the servers are killed with it, all at the same instant', async () => {
    await take(0, 2);
    const inode = statSync(file).ino;
    const record = JSON.parse(readFileSync(join(system.directory, 'apps', 'e1.json'), 'utf8')) as {
      pid: number;
    };
    const { pid: hostPid } = await system.host.info();
    for (const pid of [hostPid, record.pid, await duplicator()]) process.kill(pid, 'SIGKILL');
    await system.startHost();
    await take(3, BUFFERS - 1);
    expect([statSync(file).ino, input.lost]).to.deep.equal([inode, 0]);
    expect(readdirSync(system.directory).filter((name) => name.endsWith('.tmp'))).to.deep.equal([]);
  });
});
