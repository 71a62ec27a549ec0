/**
 * Several hosts, each with its own network, whose links are delayed, slowed and cut: what crosses
 * them, how often, and what is lost. MIRRORFLOW_LONG_TESTS=1 adds the cut of 30 s and takes a
 * minute for the twenty cuts.
 */
import { expect } from 'chai';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { LabHosts } from '../network/lab-hosts.js';
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
  let hosts: LabHosts;
  let flow: NumberedFlow | undefined;

  before(function () {
    needsLab(this);
  });

  beforeEach(async () => {
    hosts = await LabHosts.start(['a', 'b']);
    for (const name of ['a', 'b']) await hosts.system(name).host.run({ name: APP });
  });

  afterEach(async function () {
    await flow?.kill();
    flow = undefined;
    await hosts.close(this.currentTest?.state === 'failed');
  });

  async function begin(buffers: number): Promise<NumberedFlow> {
    flow = new NumberedFlow(hosts.system('a'), APP, FLOW, 1024, buffers, 1);
    flow.startProvider();
    await eventually(async () => {
      const client = await hosts.system('a').client(APP, 'looker');
      const found = (await client.flows()).some((info) => info.flow === FLOW && info.state === 'running');
      await client.close();
      return found;
    }, 'the flow is there');
    flow.consumer('there', 'lossless', hosts.system('b')).program.start();
    await flow.goesOn();
    return flow;
  }

  /** What the file of the flow on host b counted. */
  function missingThere(): number {
    const path = flowFilePath(hosts.system('b').flowDirectory, APP, FLOW);
    return openFlowFile(path, 'read').counter(COUNTERS.missing.id);
  }

  for (const seconds of LONG ? [1, 5, 30] : [1, 5]) {
    it(`lose nothing in a cut of ${seconds} s, with a ring that is large enough`, async () => {
      const flow = await begin(LARGE_RING);
      await hosts.lab.cut('b');
      await pause(seconds * 1_000);
      await hosts.lab.mend('b');
      await flow.goesOn();
      const { lost, doubled, torn } = await flow.end();
      expect({ lost, doubled, torn }, flow.problems.join('; ')).to.deep.equal({
        lost: 0,
        doubled: 0,
        torn: 0,
      });
    });
  }

  it('lose nothing in twenty short cuts', async () => {
    const flow = await begin(LARGE_RING);
    await hosts.lab.shape('b', { delayMs: 10, loss: 0.01 });
    for (let cuts = 0; cuts < 20; cuts += 1) {
      await hosts.lab.cut('b');
      await pause(LONG ? 1_000 : 250);
      await hosts.lab.mend('b');
      await pause(LONG ? 2_000 : 250);
    }
    await flow.goesOn();
    const { lost, doubled, torn } = await flow.end();
    expect({ lost, doubled, torn }, flow.problems.join('; ')).to.deep.equal({ lost: 0, doubled: 0, torn: 0 });
  });

  for (const [side, name] of [
    ['sends', 'a'],
    ['receives', 'b'],
  ] as const) {
    it(`lose nothing when the duplicator that ${side} is killed, and are found again`, async () => {
      const flow = await begin(LARGE_RING);
      const client = await hosts.system(name).client(APP, 'looker');
      const pid = await hosts.system(name).duplicatorPid(client, FLOW);
      if (pid === undefined) throw new Error('the flow has no duplicator');
      process.kill(pid, 'SIGKILL');
      await flow.goesOn();
      expect(await hosts.system(name).duplicatorPid(client, FLOW)).to.not.equal(pid);
      const { lost, doubled, torn } = await flow.end();
      expect({ lost, doubled, torn }, flow.problems.join('; ')).to.deep.equal({
        lost: 0,
        doubled: 0,
        torn: 0,
      });
    });
  }

  it('count exactly what a ring that is too small lost in a cut', async () => {
    const flow = await begin(SMALL_RING);
    await hosts.lab.cut('b');
    // Longer than the place of a receiver is kept, which holds the provider.
    const before = flow.published;
    await eventually(() => flow.published > before + 4 * SMALL_RING, 'the provider goes on');
    await hosts.lab.mend('b');
    await flow.goesOn();
    const { lost, doubled, torn } = await flow.end();
    expect({ doubled, torn }).to.deep.equal({ doubled: 0, torn: 0 });
    expect(lost).to.be.greaterThan(0).and.equal(missingThere());
  });
});
