/**
 * Flows between hosts of a network lab whose links are delayed, slowed and cut: nothing is lost
 * unless the ring is too small, and then the loss is counted. MIRRORFLOW_LONG_TESTS=1 adds a cut of
 * 30 s and lengthens the twenty cuts to a minute.
 */
import { expect } from 'chai';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { HostNetwork } from '../kit/host-network.js';
import { NetworkLab } from '../network/lab.js';
import { needsLab } from '../network/needs-lab.js';
import { NumberedFlow } from './numbered-flow.js';
import { eventually } from '../kit/eventually.js';

const LONG = process.env['MIRRORFLOW_LONG_TESTS'] === '1';
const APP = 'e1';
const FLOW = 'events';
/** The provider writes one buffer every five milliseconds. */
const BUFFERS_PER_SECOND = 200;
const LARGE_RING = 60 * BUFFERS_PER_SECOND;
const SMALL_RING = 64;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('flows between hosts', function () {
  this.timeout(LONG ? 240_000 : 120_000);
  let lab: NetworkLab;
  let hosts: HostNetwork;
  let flow: NumberedFlow | undefined;

  before(function () {
    needsLab(this);
  });

  beforeEach(async () => {
    lab = await NetworkLab.make(['a', 'b']);
    hosts = await HostNetwork.inLab(lab);
    for (const name of ['a', 'b']) await hosts.system(name).host.run({ name: APP });
  });

  afterEach(async function () {
    await flow?.kill();
    flow = undefined;
    await hosts.stop(this.currentTest?.state === 'failed');
  });

  async function begin(buffers: number): Promise<NumberedFlow> {
    flow = new NumberedFlow(hosts.system('a'), APP, FLOW, 1024, buffers, 1);
    flow.startProvider();
    await eventually(async () => {
      const client = await hosts.system('a').client(APP, 'observer');
      const runs = (await client.flows()).some((info) => info.flow === FLOW && info.state === 'running');
      await client.close();
      return runs;
    }, 'the flow has a duplicator');
    flow.consumer('remote', 'lossless', hosts.system('b')).program.start();
    await flow.resumed();
    return flow;
  }

  /** Lost buffers, as the flow file of host b counts them. */
  function missingOnB(): number {
    const path = flowFilePath(hosts.system('b').flowDirectory, APP, FLOW);
    return openFlowFile(path, 'read').counter(COUNTERS.missing.id);
  }

  for (const seconds of LONG ? [1, 5, 30] : [1, 5]) {
    it(`a flow between hosts with a large ring loses nothing in a cut of ${seconds} s`, async () => {
      const flow = await begin(LARGE_RING);
      await lab.cut('b');
      await pause(seconds * 1_000);
      await lab.mend('b');
      await flow.resumed();
      const { lost, doubled, torn } = await flow.end();
      expect({ lost, doubled, torn }, flow.problems.join('; ')).to.deep.equal({
        lost: 0,
        doubled: 0,
        torn: 0,
      });
    });
  }

  it('a flow between hosts loses nothing in twenty short cuts', async () => {
    const flow = await begin(LARGE_RING);
    await lab.shape('b', { delayMs: 10, loss: 0.01 });
    for (let cuts = 0; cuts < 20; cuts += 1) {
      await lab.cut('b');
      await pause(LONG ? 1_000 : 250);
      await lab.mend('b');
      await pause(LONG ? 2_000 : 250);
    }
    await flow.resumed();
    const { lost, doubled, torn } = await flow.end();
    expect({ lost, doubled, torn }, flow.problems.join('; ')).to.deep.equal({ lost: 0, doubled: 0, torn: 0 });
  });

  for (const [side, name] of [
    ['sending', 'a'],
    ['receiving', 'b'],
  ] as const) {
    it(`a flow between hosts loses nothing when the ${side} duplicator is killed`, async () => {
      const flow = await begin(LARGE_RING);
      const client = await hosts.system(name).client(APP, 'observer');
      const pid = await hosts.system(name).duplicatorPid(client, FLOW);
      if (pid === undefined) throw new Error('the flow has no duplicator');
      process.kill(pid, 'SIGKILL');
      await flow.resumed();
      expect(await hosts.system(name).duplicatorPid(client, FLOW)).to.not.equal(pid);
      const { lost, doubled, torn } = await flow.end();
      expect({ lost, doubled, torn }, flow.problems.join('; ')).to.deep.equal({
        lost: 0,
        doubled: 0,
        torn: 0,
      });
    });
  }

  it('a flow between hosts with a small ring counts exactly what a cut has lost', async () => {
    const flow = await begin(SMALL_RING);
    await lab.cut('b');
    // The lost receiver holds the provider back until its reattachment time has passed.
    const before = flow.published;
    await eventually(() => flow.published > before + 4 * SMALL_RING, 'the provider continues');
    await lab.mend('b');
    await flow.resumed();
    const { lost, doubled, torn } = await flow.end();
    expect({ doubled, torn }).to.deep.equal({ doubled: 0, torn: 0 });
    expect(lost).to.be.greaterThan(0).and.equal(missingOnB());
  });
});
