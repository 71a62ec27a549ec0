/**
 * Take-over of a lossless flow after its duplicator was killed: every published buffer is
 * delivered once, in order, from the same file.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Client, InputFlow, OutputFlow } from '../../client-lib/index.js';
import { isAlive, stateOf } from '../../protocol/base/owner-identity.js';
import { RealSystem } from '../kit/real-system.js';
import type { TestProcess } from '../kit/test-process.js';
import { eventually } from '../kit/eventually.js';

const BUFFERS = 8;

describe('a lossless flow', () => {
  let system: RealSystem;
  let file: string;
  let provider: Client;
  let input: InputFlow;
  let hostServer: TestProcess;

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

  /** Takes buffers `first` to `last` and checks sequence and content of each. */
  async function take(first: number, last: number): Promise<void> {
    for (let n = first; n <= last; n += 1) {
      const buffer = await input.take();
      expect([buffer?.sequence, buffer?.data[0], buffer?.data[99]]).to.deep.equal([n, n, n]);
    }
  }
  /**
   * Waits for another duplicator than process `before`; expects the old buffers from it, followed
   * by the buffers of another provider.
   */
  async function expectContinuation(before: number): Promise<void> {
    await provider.close();
    provider = await system.client('e1', 'another-provider');
    await eventually(async () => ((await duplicator()) || before) !== before, 'another duplicator runs');
    const output = await provider.openOutput('events', { bufferSize: 100, buffers: BUFFERS });
    const writing = (async () => {
      for (let n = BUFFERS; n < 2 * BUFFERS; n += 1) await output.write(Buffer.alloc(100, n));
    })();
    await take(3, 2 * BUFFERS - 1);
    await writing;
    await output.close();
  }
  const duplicator = async (): Promise<number> => (await system.duplicatorPid(provider, 'events')) ?? 0;

  it('a lossless flow continues in the same file without loss when its duplicator is killed', async () => {
    await take(0, 2);
    const inode = statSync(file).ino;
    const before = await duplicator();
    process.kill(before, 'SIGKILL');
    await expectContinuation(before);
    expect([statSync(file).ino, input.lost]).to.deep.equal([inode, 0]);
  });

  it('a lossless flow loses nothing when duplicator and servers are killed at the same instant', async () => {
    await take(0, 2);
    const inode = statSync(file).ino;
    const record = JSON.parse(readFileSync(join(system.directory, 'apps', 'e1.json'), 'utf8')) as {
      pid: number;
    };
    const before = await duplicator();
    for (const pid of [record.pid, before]) process.kill(pid, 'SIGKILL');
    await hostServer.kill();
    await eventually(
      () => [record.pid, before].every((pid) => !isAlive({ pid, startTicks: 0n })),
      'the killed processes have ended',
    );
    await system.startHost();
    await expectContinuation(before);
    expect([statSync(file).ino, input.lost]).to.deep.equal([inode, 0]);
    expect(readdirSync(system.directory).filter((name) => name.endsWith('.tmp'))).to.deep.equal([]);
  });
});

describe('a lossless flow whose consumer dies with its duplicator', () => {
  /** Longer than the time limit of any test: a test that waits for it fails. */
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

  /** A flow with a full ring; its consumer was stopped before it acknowledged a buffer. */
  async function heldFlow(): Promise<{ provider: Client; output: OutputFlow; consumer: TestProcess }> {
    const provider = await system.client('e1', 'provider');
    const output = await provider.openOutput('events', { bufferSize: 100, buffers: BUFFERS });
    const consumer = system.program('test/fixtures/system/numbered-consumer.js', [
      'e1',
      'events',
      'oldest',
      '1000000',
    ]);
    await consumer.line();
    consumer.process.kill('SIGSTOP');
    const { pid } = consumer;
    await eventually(() => stateOf({ pid, startTicks: 0n }) === 'stopped', 'the consumer is stopped');
    for (let n = 0; n < BUFFERS; n += 1) await output.write(Buffer.alloc(100, n));
    return { provider, output, consumer };
  }
  /** Writes a second ring of buffers, which needs the slots of the first. */
  async function writeSecondRing(output: OutputFlow): Promise<void> {
    for (let n = 0; n < BUFFERS; n += 1) await output.write(Buffer.alloc(100, n));
    await output.close();
  }

  it('a successor does not wait for a consumer that was killed with the duplicator', async () => {
    const { provider, output, consumer } = await heldFlow();
    const duplicator = (await system.duplicatorPid(provider, 'events')) ?? 0;
    process.kill(duplicator, 'SIGKILL');
    await consumer.kill();
    await writeSecondRing(output);
    expect(await system.duplicatorPid(provider, 'events')).not.to.equal(duplicator);
  });

  it('a successor stops waiting for an expected consumer when that is killed', async () => {
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
    await consumer.kill();
    await writeSecondRing(output);
  });
});
