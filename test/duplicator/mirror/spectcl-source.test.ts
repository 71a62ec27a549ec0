/**
 * Mirroring a simulated SpecTcl that works well, through a proxy that counts requests; every
 * publication is checked.
 */
import { expect } from 'chai';
import { eventually } from '../../kit/eventually.js';
import { NEW_SPECTRUM, statisticsOf, useSourceRigs } from './source-rig.js';

describe('a SpecTcl source', () => {
  const { started } = useSourceRigs();

  for (const [slots, intervalMs] of [
    [4, 0],
    [3, 0],
    [2, 0],
    [4, 10],
    [2, 10],
  ] as const) {
    it(`a source is published in whole updates, one request at a time (${slots} slots, ${intervalMs} ms interval)`, async () => {
      const rig = await started({
        slots,
        source: { intervalMs },
        simulator: { rate: 200_000, intervalMs: 3 },
      });
      await rig.publishMore(25);
      const { source, proxy, problems, updates } = rig;
      expect(problems).to.deep.equal([]);
      expect(updates).to.deep.equal([...new Set(updates)].toSorted((one, other) => one - other));
      expect(proxy.mostInFlight).to.equal(1);
      expect([proxy.connections, source.statistics.connections]).to.deep.equal([1, 1]);
      expect(proxy.replies.slice(0, 3)).to.deep.equal(['full', 'partial', 'partial']);
    });
  }

  it('a source that sends slowly, in pieces, is published in whole updates', async () => {
    const rig = await started({
      simulator: { rate: 10_000, intervalMs: 5 },
      source: { intervalMs: 0 },
    });
    rig.simulator.misbehave({ mirror: 'slow', slowBytesPerSecond: 400_000 });
    await rig.publishMore(3);
    expect(rig.problems).to.deep.equal([]);
  });

  it('a source in which nothing changes is not published again', async () => {
    const rig = await started();
    const { source } = rig;
    await eventually(() => source.statistics.unchanged >= 8, 'unchanged updates');
    expect([rig.published, rig.updates.length, source.state]).to.deep.equal([1, 1, 'live']);
    await rig.publishMore(1);
    expect(rig.published).to.equal(2);
  });

  it('the display header is copied once per slot, and again only after it changed', async () => {
    const rig = await started({ slots: 4 });
    await rig.publishMore(12);
    // The first slot received its header with the full update.
    expect(rig.publisher.headersCopied).to.equal(3);
    rig.simulator.define(NEW_SPECTRUM);
    await eventually(() => rig.names.includes('new'), 'the new spectrum');
    await rig.publishMore(12);
    expect(rig.publisher.headersCopied).to.equal(6);
    expect(rig.problems).to.deep.equal([]);
  });

  it('a connection is reopened after the full interval, for the statistics in the header', async () => {
    const rig = await started({ source: { fullIntervalMs: 1 } });
    await rig.publishMore(4);
    expect(rig.source.statistics.connections).to.be.greaterThan(3);
    expect(rig.problems).to.deep.equal([]);
    expect(new Set(rig.states.map(([state]) => state))).to.deep.equal(new Set(['live']));
  });

  it('a source can be addressed by its host name', async () => {
    const rig = await started({ simulator: { host: 'localhost' } });
    expect(rig.published).to.equal(1);
  });

  it('a header that is full, with 10,000 spectra, is mirrored with its statistics', async () => {
    const rig = await started({
      simulator: { fillers: 9_999, spectra: [], channelBytes: 2 * 1024 * 1024 },
    });
    expect(rig.names).to.have.length(10_000);
    rig.simulator.step(200_000);
    const source = statisticsOf(rig.simulator.memory);
    await eventually(() => {
      rig.clock.advance(500);
      return statisticsOf(rig.image) === source;
    }, 'the statistics');
    rig.simulator.rename('filler.9998', 'renamed');
    await eventually(() => rig.names.at(-1) === 'renamed', 'the new name of the last spectrum');
    expect(rig.problems).to.deep.equal([]);
  });

  it('no update is requested while credit is missing, and requests continue when it returns', async () => {
    const rig = await started({ source: { intervalMs: 0 }, simulator: { rate: 100_000, intervalMs: 2 } });
    await rig.publishMore(3);
    rig.isCreditHeld = true;
    let last = -1;
    await eventually(() => {
      const paused = rig.proxy.requests === last;
      last = rig.proxy.requests;
      return paused;
    }, 'a pause in the requests');
    const { published } = rig;
    rig.releaseCredit();
    await rig.publishMore(3);
    expect(rig.published).to.be.greaterThan(published);
    expect(rig.problems).to.deep.equal([]);
  });
});
