/** Flows that are opened while a server or a duplicator is being replaced. */
import { expect } from 'chai';
import type { Client } from '../../client-lib/index.js';
import { RealSystem } from '../kit/real-system.js';

const SIZES = { bufferSize: 100, buffers: 8 };

describe('opening a flow during a restart', () => {
  let system: RealSystem;
  let client: Client;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost();
    await system.host.run({ name: 'e1', lingerMs: 60_000 });
    client = await system.client('e1');
  });
  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('flows that are opened while their app server is killed are open when the next one runs', async () => {
    const before = await client.openOutput('before', SIZES);
    await before.write(Buffer.from('kept'));
    const killed = await system.appServerPid('e1');
    const early = [client.openOutput('one', SIZES), client.openInput('before', { inline: true })] as const;
    process.kill(killed, 'SIGKILL');
    const late = client.openOutput('two', SIZES);
    const [one, input] = await Promise.all(early);
    for (const output of [one, await late]) expect(await output.write(Buffer.from('open'))).to.equal(true);
    await before.write(Buffer.from('new'));
    expect(input.sourceState).to.equal('live');
    expect(await system.appServerPid('e1')).not.to.equal(killed);
    const names = (await client.flows()).map(({ flow }) => flow);
    expect(names).to.deep.equal(['before', 'one', 'two']);
  });

  it('flows that are opened while their duplicator is killed are open when the next one runs', async () => {
    const output = await client.openOutput('events', SIZES);
    await output.write(Buffer.from('kept'));
    process.kill((await system.duplicatorPid(client, 'events'))!, 'SIGKILL');
    const inputs = await Promise.all(
      [1, 2, 3].map(() => client.openInput('events', { inline: true, start: 'oldest' })),
    );
    for (const input of inputs) expect(Buffer.from((await input.take())!.bytes).toString()).to.equal('kept');
  });
});
