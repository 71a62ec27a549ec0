/**
 * Duplicators that die under a lossless flow: what was published is delivered, once, in order, from
 * the same file.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Client, InputFlow, OutputFlow } from '../../client-lib/index.js';
import { isAlive, stateOf } from '../../protocol/base/owner-identity.js';
import { killHard } from './whole-system.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

const BUFFERS = 8;

describe('a lossless flow', () => {
  let system: RealSystem;
  let file: string;
  let provider: Client;
  let input: InputFlow;
  let hostServer: ChildProcess;

  beforeEach(async () => {
    system = new RealSystem();
    hostServer = await system.startHost();
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
  /**
   * Under another duplicator, what was published before is there, and what another provider
   * publishes comes behind it.
   */
  async function goesOn(before: number): Promise<void> {
    await provider.close();
    provider = await system.client('e1', 'another-provider');
    await eventually(async () => ((await duplicator()) || before) !== before, 'another duplicator');
    const output = await provider.openOutput('events', { bufferSize: 100, buffers: BUFFERS });
    const writing = (async () => {
      for (let n = BUFFERS; n < 2 * BUFFERS; n += 1) await output.write(Buffer.alloc(100, n));
    })();
    await take(3, 2 * BUFFERS - 1);
    await writing;
    await output.close();
  }
  const duplicator = async (): Promise<number> => (await system.duplicatorPid(provider, 'events')) ?? 0;

  it('loses nothing when its duplicator is killed, and goes on in the same file', async () => {
    await take(0, 2);
    const inode = statSync(file).ino;
    const before = await duplicator();
    process.kill(before, 'SIGKILL');
    await goesOn(before);
    expect([statSync(file).ino, input.lost]).to.deep.equal([inode, 0]);
  });

  it('loses nothing when the servers are killed with it, all at the same instant', async () => {
    await take(0, 2);
    const inode = statSync(file).ino;
    const record = JSON.parse(readFileSync(join(system.directory, 'apps', 'e1.json'), 'utf8')) as {
      pid: number;
    };
    const before = await duplicator();
    for (const pid of [record.pid, before]) process.kill(pid, 'SIGKILL');
    await killHard(hostServer);
    await eventually(() =>
      [record.pid, before].every((pid) => !isAlive({ pid, startTicks: 0n })), 'their deaths',
    );
    await system.startHost();
    await goesOn(before);
    expect([statSync(file).ino, input.lost]).to.deep.equal([inode, 0]);
    expect(readdirSync(system.directory).filter((name) => name.endsWith('.tmp'))).to.deep.equal([]);
  });
});

describe('a lossless flow whose consumer dies with its duplicator', () => {
  /** So long that a test which waited for it would fail. */
  const A_DAY_MS = 86_400_000;
  const before = process.env['MIRRORFLOW_REATTACH'];
  let system: RealSystem;

  beforeEach(async () => {
    process.env['MIRRORFLOW_REATTACH'] = String(A_DAY_MS);
    system = new RealSystem();
    await system.startHost();
    await system.host.run({ name: 'e1', lingerMs: 60_000 });
  });
  afterEach(async function () {
    if (before === undefined) delete process.env['MIRRORFLOW_REATTACH'];
    else process.env['MIRRORFLOW_REATTACH'] = before;
    await system.stop(this.currentTest?.state === 'failed');
  });

  /** A flow whose ring is full, and whose consumer has stopped before it acknowledged anything. */
  async function heldFlow(): Promise<{ provider: Client; output: OutputFlow; consumer: ChildProcess }> {
    const provider = await system.client('e1', 'provider');
    const output = await provider.openOutput('events', { bufferSize: 100, buffers: BUFFERS });
    const consumer = system.program('test/fixtures/system/numbered-consumer.js', [
      'e1',
      'events',
      'oldest',
      '1000000',
    ]);
    await once(consumer.stdout as NodeJS.ReadableStream, 'data');
    consumer.kill('SIGSTOP');
    const { pid = 0 } = consumer;
    await eventually(() => stateOf({ pid, startTicks: 0n }) === 'stopped', 'the consumer is stopped');
    for (let n = 0; n < BUFFERS; n += 1) await output.write(Buffer.alloc(100, n));
    return { provider, output, consumer };
  }
  /** The next ring of buffers, for which the first must be overwritten. */
  async function writeOn(output: OutputFlow): Promise<void> {
    for (let n = 0; n < BUFFERS; n += 1) await output.write(Buffer.alloc(100, n));
    await output.close();
  }

  it('does not wait for it: the provider goes on', async () => {
    const { provider, output, consumer } = await heldFlow();
    const duplicator = (await system.duplicatorPid(provider, 'events')) ?? 0;
    process.kill(duplicator, 'SIGKILL');
    await killHard(consumer);
    await writeOn(output);
    expect(await system.duplicatorPid(provider, 'events')).not.to.equal(duplicator);
  });

  it('waits for it no longer than it lives: it dies when the next duplicator awaits it already', async () => {
    const { provider, output, consumer } = await heldFlow();
    const duplicator = (await system.duplicatorPid(provider, 'events')) ?? 0;
    const attached = new Promise<void>((resolve) => {
      provider.on('status', ({ status }) => {
        if (status === 'reattached') resolve();
      });
    });
    process.kill(duplicator, 'SIGKILL');
    await attached;
    const { awaited } = await provider.statistics('events');
    expect([awaited, output.reserveNow() === undefined]).to.deep.equal([1, true]);
    await killHard(consumer);
    await writeOn(output);
  });
});
