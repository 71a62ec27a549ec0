/**
 * Mirroring a simulated SpecTcl whose spectra are defined, renamed and removed meanwhile: no
 * spectrum appears under the header of another.
 */
import { expect } from 'chai';
import { eventually } from '../../kit/eventually.js';
import { NEW_SPECTRUM, useSourceRigs } from './source-rig.js';

describe('a SpecTcl source with changing bindings', () => {
  const { started } = useSourceRigs();

  for (const intervalMs of [0, 40]) {
    for (const slots of [2, 4]) {
      it(`changed bindings reopen the connection, and no spectrum appears under another’s header (${intervalMs} ms, ${slots} slots)`, async () => {
        const rig = await started({
          slots,
          source: { intervalMs, idleIntervalMs: 60 },
          simulator: { rate: 100_000, intervalMs: 2 },
        });
        const { simulator } = rig;
        await rig.publishMore(2);
        simulator.define(NEW_SPECTRUM);
        await eventually(() => rig.names.includes('new'), 'the new spectrum');
        // The next spectrum gets the same storage at once: only the header distinguishes them.
        simulator.undefine('new');
        simulator.define({ ...NEW_SPECTRUM, name: 'newer' });
        await eventually(() => rig.names.includes('newer'), 'its successor');
        simulator.rename('newer', 'newest');
        await eventually(() => rig.names.includes('newest'), 'the new name');
        simulator.undefine('newest');
        await eventually(() => !rig.names.includes('newest'), 'one spectrum less');
        await rig.publishMore(3);
        expect(rig.problems).to.deep.equal([]);
        expect(rig.names).to.deep.equal(['checksum', 'one', 'two', 'three']);
        expect(rig.proxy.connections).to.be.within(4, 20);
        expect([rig.proxy.mostInFlight, rig.states]).to.deep.equal([1, [['live', undefined]]]);
      });
    }
  }

  it('changed bindings are detected while no counts change', async () => {
    const rig = await started({ source: { intervalMs: 10, idleIntervalMs: 10 } });
    rig.simulator.rename('two', 'zwei');
    await eventually(() => rig.names.includes('zwei'), 'the new name');
    expect(rig.problems).to.deep.equal([]);
  });

  it('bindings that change faster than they can be read are published once they come to rest', async () => {
    const rig = await started({ simulator: { rate: 50_000, intervalMs: 2 } });
    for (let round = 0; round < 150; round += 1) {
      rig.simulator.define({ ...NEW_SPECTRUM, name: `new-${round}` });
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (round < 149) rig.simulator.undefine(`new-${round}`);
    }
    await eventually(() => rig.names.includes('new-149'), 'the last one');
    expect(rig.problems).to.deep.equal([]);
    expect(rig.proxy.connections).to.be.below(100);
  });

  it('a Rustogramer sends its changed header itself, and its connection is not reopened', async () => {
    const rig = await started({ simulator: { flavour: 'rustogramer', rate: 100_000, intervalMs: 2 } });
    rig.simulator.define(NEW_SPECTRUM);
    await eventually(() => rig.names.includes('new'), 'the new spectrum');
    rig.simulator.undefine('new');
    await eventually(() => !rig.names.includes('new'), 'one spectrum less');
    await rig.publishMore(2);
    expect(rig.problems).to.deep.equal([]);
    expect(rig.proxy.connections).to.equal(1);
    expect(rig.proxy.replies.filter((kind) => kind === 'full')).to.have.length.within(3, 4);
  });

  it('a source without any spectrum is mirrored', async () => {
    for (const flavour of ['spectcl', 'rustogramer'] as const) {
      const rig = await started({ simulator: { flavour, spectra: [], checksum: false } });
      await eventually(() => rig.source.statistics.unchanged > 1, 'more updates');
      expect([rig.published, rig.names]).to.deep.equal([1, []]);
      await rig.close();
    }
  });
});
