/**
 * Mirroring a simulated SpecTcl that answers wrongly, not at all, or ends: how it starts, what
 * state is reported, and that it is live again afterwards.
 */
import { expect } from 'chai';
import { startSimulator } from '../../../simulator/simulator.js';
import type { Misbehaviour } from '../../../simulator/misbehaviour.js';
import type { ErrorCode } from '../../../protocol/base/errors.js';
import { rejection } from '../../protocol/rpc/xml-rpc/outcome.js';
import { eventually } from '../../kit/eventually.js';
import { NEW_SPECTRUM, type SourceRig, useSourceRigs } from './source-rig.js';

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

describe('a SpecTcl source that misbehaves', () => {
  const { make, started } = useSourceRigs();

  for (const [misbehaviour, code] of MISBEHAVIOURS) {
    it(`a source that misbehaves at the start ends it with ${code}: ${JSON.stringify(misbehaviour)}`, async () => {
      const rig = await make({ simulator: { misbehaviour } });
      const failed = rejection(rig.source.start());
      if (SILENT.has(misbehaviour.mirror ?? misbehaviour.rest)) await expireLimitsUntil(rig, failed);
      const error = await failed;
      expect([error.code, error.message.includes('127.0.0.1') || code === 'SOURCE_PROTOCOL']).to.deep.equal([
        code,
        true,
      ]);
      await eventually(() => rig.simulator.counters.currentConnections === 0, 'the end of every connection');
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
      spectra: [NEW_SPECTRUM],
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
        spectra: [{ ...NEW_SPECTRUM, name: flavour }],
      });
      await eventually(() => rig.names.includes(flavour), `the spectra of ${flavour}`);
      rig.simulator.define({ ...NEW_SPECTRUM, name: 'later' });
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
