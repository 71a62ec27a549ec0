/** The duplicator that an app server keeps for the next flow: with a real system. */
import { expect } from 'chai';
import { eventually } from '../kit/eventually.js';
import { processesNaming } from '../kit/leftovers.js';
import { RealSystem } from '../kit/real-system.js';

const FLOW = { bufferSize: 100, buffers: 8 };

describe('a spare duplicator', () => {
  let system: RealSystem;
  afterEach(async function () {
    await system.end();
    await system.stop(this.currentTest?.state === 'failed');
  });

  const spares = (): number[] =>
    processesNaming(system.directory).flatMap(({ pid, line }) => (line.includes(' --spare ') ? [pid] : []));
  const oneSpare = (): Promise<number> =>
    eventually(() => (spares().length === 1 ? spares()[0] : undefined), 'one duplicator waits');

  it('becomes the duplicator of the next flow, which is listed with it, and another waits then', async () => {
    system = new RealSystem();
    await system.startHost('e1');
    const waiting = await oneSpare();
    const client = await system.client('e1');
    const output = await client.openOutput('counts', FLOW);
    expect((await client.flows()).map(({ flow, pid }) => [flow, pid])).to.deep.equal([['counts', waiting]]);
    expect(processesNaming(system.directory).find(({ pid }) => pid === waiting)?.line).to.contain(
      'duplicator.cjs --flow counts',
    );
    expect(await oneSpare()).to.not.equal(waiting);
    const input = await client.openInput('counts');
    await output.write(Buffer.from('counts'));
    expect((await input.take())?.bytes).to.deep.equal(new Uint8Array(Buffer.from('counts')));
  });

  it('ends with an app server that is killed, and the duplicators of flows do not', async () => {
    system = new RealSystem();
    await system.startHost('e1');
    const client = await system.client('e1');
    await client.openOutput('counts', FLOW);
    const [owner] = (await client.flows()).map(({ pid }) => pid);
    const waiting = await oneSpare();
    process.kill(await system.appServerPid('e1'), 'SIGKILL');
    await eventually(() => !spares().includes(waiting), 'the waiting duplicator has ended');
    await oneSpare();
    await eventually(() => client.connected, 'the client is connected again');
    expect((await client.flows()).map(({ flow, pid }) => [flow, pid])).to.deep.equal([['counts', owner]]);
  });

  it('is not started with MIRRORFLOW_SPARE=off', async () => {
    system = new RealSystem({ environment: { MIRRORFLOW_SPARE: 'off' } });
    await system.startHost('e1');
    const client = await system.client('e1');
    await client.openOutput('counts', FLOW);
    expect(spares()).to.deep.equal([]);
  });
});
