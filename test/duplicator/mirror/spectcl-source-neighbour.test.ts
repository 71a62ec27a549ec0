/**
 * What mirroring costs SpecTcl and its other clients: threads, connections and traces, counted by
 * the simulator and by a proxy.
 */
import { expect } from 'chai';
import { eventually } from '../../kit/eventually.js';
import { NEW_SPECTRUM, statisticsOf, useSourceRigs } from './source-rig.js';

/** The simulator's tokens begin with it; the mirror is the first client. */
const FIRST_TOKEN = 0;

describe('a SpecTcl source as a neighbour to SpecTcl', () => {
  const { started } = useSourceRigs();

  it('reopened connections cost SpecTcl no thread', async () => {
    const rig = await started({ source: { fullIntervalMs: 60, intervalMs: 1 } });
    await eventually(() => {
      rig.simulator.step(1);
      return rig.source.statistics.connections > 50;
    }, 'reopened connections');
    await rig.source.stop();
    expect([rig.simulator.lostThreads, rig.simulator.aborts]).to.deep.equal([0, 0]);
    expect(rig.proxy.endedStreams).to.equal(0);
  });

  it('a SpecTcl that hangs keeps its connection, and is live again when it answers', async () => {
    const rig = await started();
    await rig.publishMore(2);
    rig.simulator.misbehave({ mirror: 'hang', rest: 'hang' });
    const { restRequests } = rig.simulator.counters;
    await eventually(() => {
      rig.simulator.step(1);
      rig.clock.expireLimits();
      return rig.source.state === 'stale' && rig.simulator.counters.restRequests > restRequests + 3;
    }, 'several silences');
    expect(rig.simulator.counters.currentConnections).to.be.at.most(1);
    rig.simulator.misbehave({ mirror: 'none', rest: 'none' });
    await eventually(() => rig.source.state === 'live', 'live again');
    await rig.publishMore(2);
    expect([rig.simulator.lostThreads, rig.simulator.aborts, rig.problems]).to.deep.equal([0, 0, []]);
  });

  it('a mirror service that hangs alone keeps the same connection, and its late update is published', async () => {
    const rig = await started();
    rig.simulator.misbehave({ mirror: 'hang', rest: 'hang' });
    await eventually(() => {
      rig.clock.expireLimits();
      return rig.source.state === 'stale';
    }, 'stale');
    rig.simulator.misbehave({ mirror: 'none', rest: 'none' });
    await eventually(() => rig.source.state === 'live', 'live again');
    await rig.publishMore(1);
    expect([rig.proxy.connections, rig.problems]).to.deep.equal([1, []]);
  });

  it('a connection without a reply ends only after its successor is connected', async () => {
    const rig = await started();
    rig.simulator.misbehave({ mirror: 'garbage' });
    await eventually(() => rig.source.statistics.connections >= 6, 'several attempts');
    rig.simulator.misbehave({ mirror: 'none' });
    await eventually(() => rig.source.state === 'live', 'live again');
    await eventually(() => rig.simulator.counters.currentConnections === 1, 'the end of all others');
    expect([rig.simulator.lostThreads, rig.simulator.aborts]).to.deep.equal([0, 0]);
    expect(rig.proxy.endedStreams).to.be.greaterThan(3);
    expect(rig.proxy.mostConnections).to.be.at.most(3);
  });

  it('a binding whose trace another client has fetched is published nevertheless', async () => {
    const rig = await started({ source: { intervalMs: 10, idleIntervalMs: 10 } });
    await eventually(() => rig.source.statistics.unchanged > 1, 'an unchanged update');
    rig.simulator.rename('two', 'zwei');
    const fetched = await fetch(
      `http://127.0.0.1:${rig.simulator.restPort}/spectcl/trace/fetch?token=${FIRST_TOKEN}`,
    );
    expect(await fetched.text()).to.contain('zwei');
    await eventually(() => {
      rig.clock.advance(100);
      return rig.names.includes('zwei');
    }, 'the new name');
  });

  it('bindings are verified up to a time only when the publication that has them is published', async () => {
    const rig = await started({ simulator: { rate: 20_000, intervalMs: 5 } });
    const verified: { readonly asOfMs: number; readonly names: string[] }[] = [];
    rig.source.on('bindingsVerified', (asOfMs) => verified.push({ asOfMs, names: rig.names }));
    for (const name of ['a', 'b', 'c']) {
      rig.simulator.define({ ...NEW_SPECTRUM, name });
      const definedMs = rig.clock.nowMs();
      await eventually(() => verified.some(({ asOfMs }) => asOfMs >= definedMs), 'a verification');
      for (const { asOfMs, names } of verified) if (asOfMs >= definedMs) expect(names).to.include(name);
    }
    expect(rig.problems).to.deep.equal([]);
  });

  it('statistics in the header follow the source without another connection', async () => {
    const rig = await started();
    rig.simulator.step(5_000);
    await rig.publishMore(2);
    const source = statisticsOf(rig.simulator.memory);
    expect(statisticsOf(rig.image)).to.not.equal(source);
    await eventually(() => {
      rig.clock.advance(200);
      return statisticsOf(rig.image) === source;
    }, 'a publication with the statistics');
    await rig.publishMore(6);
    expect([rig.proxy.connections, rig.problems]).to.deep.equal([1, []]);
  });
});
