/** Whether a run is active, from the REST service of a simulated SpecTcl. */
import { expect } from 'chai';
import { startSimulator, type Simulator } from '../../../../simulator/simulator.js';
import { RunWatch } from '../../../../web/server/trends/run-watch.js';
import { eventually } from '../../../kit/eventually.js';
import { silent } from '../../../kit/silent-log.js';

describe('the run of a source', () => {
  const simulators: Simulator[] = [];

  afterEach(async () => {
    await Promise.all(simulators.splice(0).map((simulator) => simulator.close()));
  });

  async function simulator(rate: number): Promise<Simulator> {
    const started = await startSimulator({ rate, noDelay: true });
    simulators.push(started);
    return started;
  }

  /** What the watch says first about a source. */
  async function firstAnswer(source: string): Promise<string> {
    const watch = new RunWatch(silent);
    try {
      return await eventually(() => {
        const active = watch.isActive(source, performance.now());
        return active === undefined ? undefined : String(active);
      }, 'the source has answered');
    } finally {
      watch.close();
    }
  }

  it('a run that counts is active, one that is halted is not', async () => {
    expect(await firstAnswer((await simulator(100)).address)).to.equal('true');
    expect(await firstAnswer((await simulator(0)).address)).to.equal('false');
  });

  it('a source that is not SpecTcl, and one that does not answer, say nothing', async () => {
    const watch = new RunWatch(silent);
    expect(watch.isActive('file:/data/x', 0)).to.equal(undefined);
    expect(watch.isActive(undefined, 0)).to.equal(undefined);
    const ended = await simulator(100);
    await ended.close();
    expect(watch.isActive(ended.address, 0)).to.equal(undefined);
    watch.close();
  });

  it('an old answer says nothing', async () => {
    const watch = new RunWatch(silent);
    const source = await simulator(100);
    await eventually(() => watch.isActive(source.address, 0) === true, 'the source has answered');
    await source.close();
    expect(watch.isActive(source.address, 14_000)).to.equal(true);
    expect(watch.isActive(source.address, 16_000)).to.equal(undefined);
    watch.close();
  });
});
