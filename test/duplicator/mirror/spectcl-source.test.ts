/**
 * Mirroring a simulated SpecTcl through a proxy that counts requests; every publication is checked.
 */
import { expect } from 'chai';
import { startSimulator } from '../../../simulator/simulator.js';
import type { Misbehaviour } from '../../../simulator/misbehaviour.js';
import { bindings } from '../../../protocol/spectcl/display-memory.js';
import type { ErrorCode } from '../../../protocol/base/errors.js';
import { rejection } from '../../protocol/rpc/xml-rpc/outcome.js';
import { SMALL_SPECTRA, SourceRig, type RigOptions } from './source-rig.js';
import { eventually } from '../../kit/eventually.js';

/** The simulator's tokens begin with it; the mirror is the first client. */
const FIRST_TOKEN = 0;
const NEW = { ...SMALL_SPECTRA[0]!, name: 'new' };

describe('a SpecTcl source', () => {
  let openRig: SourceRig | undefined;
  afterEach(async () => {
    await openRig?.close();
    openRig = undefined;
  });

  async function make(options: RigOptions = {}): Promise<SourceRig> {
    openRig = await SourceRig.make(options);
    return openRig;
  }

  async function started(options: RigOptions = {}): Promise<SourceRig> {
    const rig = await make(options);
    await rig.source.start();
    return rig;
  }

  describe('running', () => {
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
      rig.simulator.define(NEW);
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
  });

  describe('with changing bindings', () => {
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
          simulator.define(NEW);
          await eventually(() => rig.names.includes('new'), 'the new spectrum');
          // The next spectrum gets the same storage at once: only the header distinguishes them.
          simulator.undefine('new');
          simulator.define({ ...NEW, name: 'newer' });
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
        rig.simulator.define({ ...NEW, name: `new-${round}` });
        await new Promise((resolve) => setTimeout(resolve, 2));
        if (round < 149) rig.simulator.undefine(`new-${round}`);
      }
      await eventually(() => rig.names.includes('new-149'), 'the last one');
      expect(rig.problems).to.deep.equal([]);
      expect(rig.proxy.connections).to.be.below(100);
    });

    it('a Rustogramer sends its changed header itself, and its connection is not reopened', async () => {
      const rig = await started({ simulator: { flavour: 'rustogramer', rate: 100_000, intervalMs: 2 } });
      rig.simulator.define(NEW);
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
        openRig = undefined;
      }
    });
  });

  const MISBEHAVIOURS: [what: Partial<Misbehaviour>, code: ErrorCode][] = [
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

  /** Only the end of a time limit shows them. */
  const SILENT = new Set<string | undefined>(['stall', 'stall-inside', 'silent']);

  /** Ends time limits until `settled` is. */
  async function expireLimitsUntil({ clock }: SourceRig, settled: Promise<unknown>): Promise<void> {
    let done = false;
    void settled.finally(() => (done = true));
    await eventually(() => {
      if (!done) clock.expireLimits();
      return done;
    }, 'an outcome');
  }

  describe('misbehaving at the start', () => {
    for (const [misbehaviour, code] of MISBEHAVIOURS) {
      it(`a source that misbehaves at the start ends it with ${code}: ${JSON.stringify(misbehaviour)}`, async () => {
        const rig = await make({ simulator: { misbehaviour } });
        const failed = rejection(rig.source.start());
        if (SILENT.has(misbehaviour.mirror ?? misbehaviour.rest)) await expireLimitsUntil(rig, failed);
        const error = await failed;
        expect([error.code, error.message.includes('127.0.0.1') || code === 'SOURCE_PROTOCOL']).to.deep.equal(
          [code, true],
        );
        await eventually(
          () => rig.simulator.counters.currentConnections === 0,
          'the end of every connection',
        );
      });
    }

    it('a source that does not run ends the start with SOURCE_UNREACHABLE', async () => {
      const rig = await make();
      await rig.simulator.close();
      expect((await rejection(rig.source.start())).code).to.equal('SOURCE_UNREACHABLE');
    });

    it('a start can be stopped at any moment', async () => {
      const unanswered = await make({ simulator: { misbehaviour: { rest: 'silent' } } });
      const connecting = rejection(unanswered.source.start());
      await unanswered.source.stop();
      expect((await connecting).code).to.equal('STOPPED');
      await unanswered.close();
      const stalled = await make({ simulator: { misbehaviour: { mirror: 'stall' } } });
      const running = rejection(stalled.source.start());
      await eventually(() => stalled.proxy.requests === 1, 'a request');
      await stalled.source.stop();
      await stalled.source.stop();
      expect((await running).code).to.equal('STOPPED');
    });
  });

  describe('misbehaving later', () => {
    for (const [misbehaviour, code] of MISBEHAVIOURS) {
      it(`a running source that misbehaves is stale with ${code}, keeps its data, and becomes live again: ${JSON.stringify(misbehaviour)}`, async () => {
        const rig = await started();
        await rig.publishMore(3);
        const { published } = rig;
        const image = Buffer.from(rig.image);
        rig.simulator.misbehave(misbehaviour);
        // A changed update makes the mirror ask REST.
        await eventually(() => {
          rig.simulator.step(10);
          if (SILENT.has(misbehaviour.mirror ?? misbehaviour.rest)) rig.clock.expireLimits();
          return rig.states.length > 1;
        }, 'stale');
        // Without an answer of REST the connection counts as lost, and its update is dropped.
        expect(rig.states.slice(0, 2)).to.deep.equal([
          ['live', undefined],
          ['stale', code],
        ]);
        expect(rig.published).to.be.within(published, published + 1);
        if (rig.published === published) expect(rig.image.equals(image)).to.equal(true);
        rig.simulator.misbehave({ mirror: 'none', rest: 'none' });
        await eventually(() => {
          // What stalled stays stalled, so that the connection is replaced after some silences.
          if (SILENT.has(misbehaviour.mirror ?? misbehaviour.rest)) rig.clock.expireLimits();
          return rig.source.state === 'live';
        }, 'live again');
        await rig.publishMore(2);
        expect(rig.problems).to.deep.equal([]);
        expect(rig.states).to.deep.equal([
          ['live', undefined],
          ['stale', code],
          ['live', undefined],
        ]);
      });
    }

    it('a source that was restarted with a smaller memory is mirrored again', async () => {
      const rig = await started();
      await rig.publishMore(2);
      const { restPort, mirrorPort } = rig.simulator;
      await rig.simulator.close();
      await eventually(() => rig.source.state === 'stale', 'stale');
      rig.simulator = await startSimulator({
        restPort,
        mirrorPort,
        channelBytes: 128 * 1024,
        spectra: [NEW],
        rate: 0,
        noDelay: true,
      });
      await eventually(() => rig.source.state === 'live', 'live again');
      await eventually(() => rig.names.includes('new'), 'its spectra');
      expect(rig.names).to.deep.equal(['checksum', 'new']);
      expect(rig.problems).to.deep.equal([]);
    });

    it('a SpecTcl and a Rustogramer can follow each other at the same address', async () => {
      const rig = await started();
      const { restPort, mirrorPort } = rig.simulator;
      for (const flavour of ['rustogramer', 'spectcl', 'rustogramer'] as const) {
        await rig.simulator.close();
        await eventually(() => rig.source.state === 'stale', 'stale');
        rig.simulator = await startSimulator({
          restPort,
          mirrorPort,
          flavour,
          rate: 0,
          noDelay: true,
          channelBytes: 256 * 1024,
          spectra: [{ ...NEW, name: flavour }],
        });
        await eventually(() => rig.names.includes(flavour), `the spectra of ${flavour}`);
        rig.simulator.define({ ...NEW, name: 'later' });
        await eventually(() => rig.names.includes('later'), `a later spectrum of ${flavour}`);
        await rig.publishMore(2);
        expect(rig.names).to.deep.equal(['checksum', flavour, 'later']);
      }
      expect(rig.problems).to.deep.equal([]);
    });

    it('a source that has outgrown its flow reports its size and stops', async () => {
      const rig = await started();
      const { restPort, mirrorPort } = rig.simulator;
      await rig.simulator.close();
      rig.simulator = await startSimulator({
        restPort,
        mirrorPort,
        channelBytes: 512 * 1024,
        spectra: [],
        rate: 0,
      });
      await eventually(() => rig.outgrown.length > 0, 'outgrown');
      expect(rig.outgrown).to.deep.equal([512 * 1024]);
    });

    it('a source is reconnected after every cut', async () => {
      const rig = await started({ source: { intervalMs: 0 }, simulator: { rate: 100_000, intervalMs: 2 } });
      for (let cut = 0; cut < 6; cut += 1) {
        await rig.publishMore(2);
        rig.proxy.cut();
        await eventually(() => rig.source.state === 'stale', 'stale');
        await eventually(() => rig.source.state === 'live', 'live');
      }
      expect(rig.problems).to.deep.equal([]);
    });
  });

  describe('as a neighbour to SpecTcl', () => {
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
        rig.simulator.define({ ...NEW, name });
        const definedMs = rig.clock.nowMs();
        await eventually(() => verified.some(({ asOfMs }) => asOfMs >= definedMs), 'a verification');
        for (const { asOfMs, names } of verified) if (asOfMs >= definedMs) expect(names).to.include(name);
      }
      expect(rig.problems).to.deep.equal([]);
    });

    it('statistics in the header follow the source without another connection', async () => {
      const rig = await started();
      rig.simulator.step(5_000);
      const statisticsOf = (memory: Uint8Array) =>
        JSON.stringify(bindings(memory).map(({ overflows, underflows }) => [overflows, underflows]));
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

  it('a header that is full, with 10,000 spectra, is mirrored with its statistics', async () => {
    const rig = await started({
      simulator: { fillers: 9_999, spectra: [], channelBytes: 2 * 1024 * 1024 },
    });
    expect(rig.names).to.have.length(10_000);
    rig.simulator.step(200_000);
    const statisticsOf = (memory: Uint8Array) =>
      JSON.stringify(bindings(memory).map(({ overflows, underflows }) => [overflows, underflows]));
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
