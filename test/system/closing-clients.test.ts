/** Clients and duplicators that close or start while the other side is gone. */
import { join } from 'node:path';
import { expect } from 'chai';
import type { Client } from '../../client-lib/index.js';
import { programPath } from '../../protocol/base/installation.js';
import { stateOf } from '../../protocol/base/owner-identity.js';
import { duplicatorArguments } from '../../protocol/rpc/contract/duplicator-options.js';
import { eventually } from '../kit/eventually.js';
import { failureOf } from '../kit/failure-of.js';
import { RealSystem } from '../kit/real-system.js';

const SIZES = { bufferSize: 100, buffers: 4 };

describe('closing and connecting', () => {
  let system: RealSystem;
  let client: Client;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost('e1');
    client = await system.client('e1');
  });
  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('a closed output can be opened again at once by another client, twenty times', async () => {
    const other = await system.client('e1', 'other');
    for (let round = 0; round < 10; round += 1)
      for (const provider of [client, other]) {
        const output = await provider.openOutput('events', SIZES);
        await output.close();
      }
  });

  it('a client with queued buffers closes after its application was stopped', async () => {
    const output = await client.openOutput('events', { ...SIZES, whenFull: 'grow', queue: 16 });
    const reader = await system.client('e1', 'reader');
    await reader.openInput('events', { inline: true });
    for (let n = 0; n < 8; n += 1) await output.write(Buffer.alloc(100));
    expect(output.queued).to.be.above(0);
    await system.host.stop('e1');
    await client.close();
  });

  it('connecting to a stopped app server fails and names the reason', async () => {
    const pid = await system.appServerPid('e1');
    process.kill(pid, 'SIGSTOP');
    try {
      await eventually(() => stateOf({ pid, startTicks: 0n }) === 'stopped', 'the app server is stopped');
      const { code, message } = await failureOf(system.client('e1', 'late'));
      expect(code).to.equal('TIMED_OUT');
      expect(message).to.contain('is stopped (SIGSTOP)');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('a duplicator whose app server died during its start ends by itself', async () => {
    const options = {
      application: 'gone',
      parent: join(system.directory, 'apps', 'gone.sock'),
      lingerMs: 3_600_000,
    };
    const words = duplicatorArguments({ flow: 'events', direction: 'output', ...SIZES, options });
    const program = system.program(programPath('duplicator'), words);
    expect(await program.end()).to.equal(0);
    expect(program.errors).to.contain('neither the app server nor a client has connected');
  });
});
