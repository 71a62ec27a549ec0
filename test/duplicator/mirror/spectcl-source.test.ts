import { expect } from 'chai';
import { startSimulator } from '../../../simulator/simulator.js';
import type { Misbehaviour } from '../../../simulator/misbehaviour.js';
import type { ErrorCode } from '../../../protocol/base/errors.js';
import { rejection } from '../../protocol/rpc/xml-rpc/outcome.js';
import { eventually } from '../../fixtures/polling.js';
import { SMALL_SPECTRA, SourceRig, type RigOptions } from './source-rig.js';

const NEW = { ...SMALL_SPECTRA[0]!, name: 'new' };

describe('a SpecTcl source', () => {
  let rig: SourceRig | undefined;
  afterEach(async () => {
    await rig?.close();
    rig = undefined;
  });

  async function started(options: RigOptions = {}): Promise<SourceRig> {
    rig = await SourceRig.make(options);
    await rig.source.start();
    return rig;
  }

  describe('that runs', () => {
    for (const [slots, intervalMs] of [
      [4, 0],
      [3, 0],
      [2, 0],
      [4, 10],
      [2, 10],
    ] as const) {
      it(`is published whole, with ${slots} slots and ${intervalMs} ms from update to update, one request at a time`, async () => {
        const { source, proxy, problems, updates, publishMore } = bound(
          await started({ slots, source: { intervalMs }, simulator: { rate: 200_000, intervalMs: 3 } }),
        );
        await publishMore(25);
        expect(problems).to.deep.equal([]);
        expect(updates).to.deep.equal([...new Set(updates)].toSorted((one, other) => one - other));
        expect(proxy.mostInFlight).to.equal(1);
        expect([proxy.connections, source.statistics.connections]).to.deep.equal([1, 1]);
        expect(proxy.replies.slice(0, 3)).to.deep.equal(['full', 'partial', 'partial']);
      });
    }

    it('is whole also when it sends slowly, in pieces', async () => {
      const { problems, publishMore } = bound(
        await started({ simulator: { rate: 10_000, intervalMs: 5 }, source: { intervalMs: 0 } }),
      );
      rig!.simulator.misbehave({ mirror: 'slow', slowBytesPerSecond: 400_000 });
      await publishMore(3);
      expect(problems).to.deep.equal([]);
    });

    it('is not published while nothing changes', async () => {
      const { source } = await started();
      await eventually(() => source.statistics.unchanged >= 8, 'unchanged updates');
      expect([rig!.published, rig!.updates.length, source.state]).to.deep.equal([1, 1, 'live']);
      await rig!.publishMore(1);
      expect(rig!.published).to.equal(2);
    });

    it('has its header copied once per slot, and again only when it changed', async () => {
      await started({ slots: 4 });
      await rig!.publishMore(12);
      // The first slot got its header with the full update.
      expect(rig!.publisher.headersCopied).to.equal(3);
      rig!.simulator.define(NEW);
      await eventually(() => rig!.names.includes('new'), 'the new spectrum');
      await rig!.publishMore(12);
      expect(rig!.publisher.headersCopied).to.equal(6);
      expect(rig!.problems).to.deep.equal([]);
    });

    it('is asked again for its whole header now and then, for the statistics', async () => {
      await started({ source: { fullIntervalMs: 1 } });
      await rig!.publishMore(4);
      expect(rig!.source.statistics.connections).to.be.greaterThan(3);
      expect(rig!.problems).to.deep.equal([]);
      expect(new Set(rig!.states.map(([state]) => state))).to.deep.equal(new Set(['live']));
    });

    it('may be named by its host', async () => {
      rig = await SourceRig.make();
      await rig.close();
      rig = await SourceRig.make({ simulator: { host: 'localhost' } });
      await rig.source.start();
      expect(rig.published).to.equal(1);
    });
  });

  describe('whose bindings change', () => {
    for (const intervalMs of [0, 40]) {
      for (const slots of [2, 4]) {
        it(`is read anew, and no spectrum is ever shown under another’s header (${intervalMs} ms, ${slots} slots)`, async () => {
          const own = await started({
            slots,
            source: { intervalMs, idleIntervalMs: 60 },
            simulator: { rate: 100_000, intervalMs: 2 },
          });
          const { simulator } = own;
          await own.publishMore(2);
          simulator.define(NEW);
          await eventually(() => own.names.includes('new'), 'the new spectrum');
          // Its storage is taken by another of the same size at once: only the header tells them
          // apart.
          simulator.undefine('new');
          simulator.define({ ...NEW, name: 'newer' });
          await eventually(() => own.names.includes('newer'), 'its successor');
          simulator.rename('newer', 'newest');
          await eventually(() => own.names.includes('newest'), 'the new name');
          simulator.undefine('newest');
          await eventually(() => !own.names.includes('newest'), 'one spectrum less');
          await own.publishMore(3);
          expect(own.problems).to.deep.equal([]);
          expect(own.names).to.deep.equal(['checksum', 'one', 'two', 'three']);
          expect(own.proxy.connections).to.be.within(4, 20);
          expect([own.proxy.mostInFlight, own.states]).to.deep.equal([1, [['live', undefined]]]);
        });
      }
    }

    it('is noticed also while no counts change', async () => {
      await started({ source: { intervalMs: 10, idleIntervalMs: 10 } });
      rig!.simulator.rename('two', 'zwei');
      await eventually(() => rig!.names.includes('zwei'), 'the new name');
      expect(rig!.problems).to.deep.equal([]);
    });

    it('faster than it can be read is shown when it comes to rest', async () => {
      await started({ simulator: { rate: 50_000, intervalMs: 2 } });
      for (let round = 0; round < 150; round += 1) {
        rig!.simulator.define({ ...NEW, name: `new-${round}` });
        await new Promise((resolve) => setTimeout(resolve, 2));
        if (round < 149) rig!.simulator.undefine(`new-${round}`);
      }
      await eventually(() => rig!.names.includes('new-149'), 'the last one');
      expect(rig!.problems).to.deep.equal([]);
      expect(rig!.proxy.connections).to.be.below(100);
    });

    it('sends its new header itself when it is a Rustogramer: nothing is reopened', async () => {
      const own = await started({ simulator: { flavour: 'rustogramer', rate: 100_000, intervalMs: 2 } });
      own.simulator.define(NEW);
      await eventually(() => own.names.includes('new'), 'the new spectrum');
      own.simulator.undefine('new');
      await eventually(() => !own.names.includes('new'), 'one spectrum less');
      await own.publishMore(2);
      expect(own.problems).to.deep.equal([]);
      expect(own.proxy.connections).to.equal(1);
      expect(own.proxy.replies.filter((kind) => kind === 'full')).to.have.length.within(3, 4);
    });

    it('may have no spectrum at all', async () => {
      for (const flavour of ['spectcl', 'rustogramer'] as const) {
        const own = await started({ simulator: { flavour, spectra: [], checksum: false } });
        await eventually(() => own.source.statistics.unchanged > 1, 'more updates');
        expect([own.published, own.names]).to.deep.equal([1, []]);
        await own.close();
        rig = undefined;
      }
    });
  });

  const MISDEEDS: [what: Partial<Misbehaviour>, code: ErrorCode][] = [
    [{ mirror: 'stall' }, 'SOURCE_UNREACHABLE'],
    [{ mirror: 'stall-inside' }, 'SOURCE_UNREACHABLE'],
    [{ mirror: 'cut' }, 'SOURCE_UNREACHABLE'],
    [{ mirror: 'garbage' }, 'SOURCE_PROTOCOL'],
    [{ mirror: 'short-length' }, 'SOURCE_PROTOCOL'],
    [{ mirror: 'huge-length' }, 'SOURCE_PROTOCOL'],
    [{ mirror: 'bad-header' }, 'SOURCE_PROTOCOL'],
    [{ rest: 'status' }, 'SOURCE_REFUSED'],
    [{ rest: 'html' }, 'SOURCE_PROTOCOL'],
    [{ rest: 'http-500' }, 'SOURCE_PROTOCOL'],
    [{ rest: 'silent' }, 'SOURCE_UNREACHABLE'],
  ];

  /** What only the end of its mirror's patience shows. */
  const SILENT = new Set<string | undefined>(['stall', 'stall-inside', 'silent']);

  /** Whoever awaits `settled` waits for the end of a limit. */
  async function endPatienceUntilSettled({ clock }: SourceRig, settled: Promise<unknown>): Promise<void> {
    let done = false;
    void settled.finally(() => (done = true));
    await eventually(() => {
      if (!done) clock.endPatience();
      return done;
    }, 'an outcome');
  }

  describe('that misbehaves at the start', () => {
    for (const [misbehaviour, code] of MISDEEDS) {
      it(`ends the start with ${code}: ${JSON.stringify(misbehaviour)}`, async () => {
        rig = await SourceRig.make({ simulator: { misbehaviour } });
        const failed = rejection(rig.source.start());
        if (SILENT.has(misbehaviour.mirror ?? misbehaviour.rest)) await endPatienceUntilSettled(rig, failed);
        const error = await failed;
        expect([error.code, error.message.includes('127.0.0.1') || code === 'SOURCE_PROTOCOL']).to.deep.equal(
          [code, true],
        );
        await eventually(() => rig!.simulator.counters.currentConnections === 0, 'nothing stays open');
      });
    }

    it('ends the start when nobody is there', async () => {
      rig = await SourceRig.make();
      await rig.simulator.close();
      expect((await rejection(rig.source.start())).code).to.equal('SOURCE_UNREACHABLE');
    });

    it('can be given up at any moment', async () => {
      rig = await SourceRig.make({
        simulator: { misbehaviour: { rest: 'silent' } },
      });
      const start = rejection(rig.source.start());
      await rig.source.stop();
      expect((await start).code).to.equal('STOPPED');
      await rig.close();
      rig = await SourceRig.make({
        simulator: { misbehaviour: { mirror: 'stall' } },
      });
      const second = rejection(rig.source.start());
      await eventually(() => rig!.proxy.requests === 1, 'a request');
      await rig.source.stop();
      await rig.source.stop();
      expect((await second).code).to.equal('STOPPED');
    });
  });

  describe('that misbehaves later', () => {
    for (const [misbehaviour, code] of MISDEEDS) {
      it(`is stale with ${code}, keeps its data, and is live again: ${JSON.stringify(misbehaviour)}`, async () => {
        const own = await started();
        await own.publishMore(3);
        const { published } = own;
        const image = Buffer.from(own.image);
        own.simulator.misbehave(misbehaviour);
        // A change makes it ask REST.
        await eventually(() => {
          own.simulator.step(10);
          if (SILENT.has(misbehaviour.mirror ?? misbehaviour.rest)) own.clock.endPatience();
          return own.states.length > 1;
        }, 'stale');
        // A SpecTcl whose REST cannot be asked has just been cut; what it sent is not trusted.
        expect(own.states.slice(0, 2)).to.deep.equal([
          ['live', undefined],
          ['stale', code],
        ]);
        expect(own.published).to.be.within(published, published + 1);
        if (own.published === published) expect(own.image.equals(image)).to.equal(true);
        own.simulator.misbehave({ mirror: 'none', rest: 'none' });
        await eventually(() => own.source.state === 'live', 'live again');
        await own.publishMore(2);
        expect(own.problems).to.deep.equal([]);
        expect(own.states).to.deep.equal([
          ['live', undefined],
          ['stale', code],
          ['live', undefined],
        ]);
      });
    }

    it('is found again after it was restarted, with another memory', async () => {
      const own = await started();
      await own.publishMore(2);
      const { restPort, mirrorPort } = own.simulator;
      await own.simulator.close();
      await eventually(() => own.source.state === 'stale', 'stale');
      own.simulator = await startSimulator({
        restPort,
        mirrorPort,
        channelBytes: 128 * 1024,
        spectra: [NEW],
        rate: 0,
        noDelay: true,
      });
      await eventually(() => own.source.state === 'live', 'live again');
      await eventually(() => own.names.includes('new'), 'its spectra');
      expect(own.names).to.deep.equal(['checksum', 'new']);
      expect(own.problems).to.deep.equal([]);
    });

    it('that has outgrown its flow says how large it is now, and ends', async () => {
      const own = await started();
      const { restPort, mirrorPort } = own.simulator;
      await own.simulator.close();
      own.simulator = await startSimulator({
        restPort,
        mirrorPort,
        channelBytes: 512 * 1024,
        spectra: [],
        rate: 0,
      });
      await eventually(() => own.outgrown.length > 0, 'outgrown');
      expect(own.outgrown).to.deep.equal([512 * 1024]);
    });

    it('is reached again after every cut, at any moment', async () => {
      const own = await started({ source: { intervalMs: 0 }, simulator: { rate: 100_000, intervalMs: 2 } });
      for (let cut = 0; cut < 6; cut += 1) {
        await own.publishMore(2);
        own.proxy.cut();
        await eventually(() => own.source.state === 'stale', 'stale');
        await eventually(() => own.source.state === 'live', 'live');
      }
      expect(own.problems).to.deep.equal([]);
    });
  });

  it('waits for credit before it asks for more, and goes on where it was', async () => {
    const own = await started({ source: { intervalMs: 0 }, simulator: { rate: 100_000, intervalMs: 2 } });
    await own.publishMore(3);
    own.held = true;
    let last = -1;
    await eventually(() => {
      const still = own.proxy.requests === last;
      last = own.proxy.requests;
      return still;
    }, 'rest');
    const { published } = own;
    own.free();
    await own.publishMore(3);
    expect(own.published).to.be.greaterThan(published);
    expect(own.problems).to.deep.equal([]);
  });
});

/** The rig with its method bound, to be taken apart. */
function bound(rig: SourceRig) {
  const { source, proxy, problems, updates } = rig;
  return { source, proxy, problems, updates, publishMore: (count: number) => rig.publishMore(count) };
}
