/** Calls between sites (nats/calls), at a real nats-server. */
import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { decodeSiteCall, encodeSiteCall } from '../../../nats/calls/call-documents.js';
import { SeenCalls } from '../../../nats/calls/seen-calls.js';
import { SiteCalls } from '../../../nats/calls/site-calls.js';
import { systemClock } from '../../../protocol/base/clock.js';
import { isMirrorflowError, MirrorflowError } from '../../../protocol/base/errors.js';
import { Logger } from '../../../protocol/base/log.js';
import { newSiteKey, readSeals, SiteSeals } from '../../../protocol/nats/signature.js';
import { NatsSubjects } from '../../../protocol/nats/subjects.js';
import type { SiteCall } from '../../../protocol/rpc/contract/sites.js';
import type { RpcValue } from '../../../protocol/rpc/xml-rpc/values.js';
import { eventually } from '../../kit/eventually.js';
import { connectTo, NatsRig } from '../../kit/nats-rig.js';
import { needsNatsServer } from '../../kit/nats-server.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';
import { writeFileSync } from 'node:fs';

const CALL: SiteCall = { application: 'daq', method: 'remote.marks', params: ['events'] };
const LIST = [new Date(0), Buffer.from('bytes'), { a: 1 }];

describe('calls between sites', () => {
  let rig: NatsRig;
  let directory: TemporaryDirectory;
  const connections: NatsConnection[] = [];
  const logged: string[] = [];
  const log = new Logger('test', { sink: (line) => void logged.push(line) });
  const keys = { gsi: newSiteKey(), frib: newSiteKey() };

  before(async function () {
    needsNatsServer(this);
    directory = new TemporaryDirectory();
    rig = await NatsRig.start({ leaves: [] });
  });

  after(async () => {
    await rig?.stop();
    directory?.remove();
  });

  afterEach(async () => {
    logged.length = 0;
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
  });

  function sealsOf(site: 'gsi' | 'frib', key = keys[site]): SiteSeals {
    const signingKeyFile = directory.file(`${site}.key`);
    writeFileSync(signingKeyFile, key.privateKey, { mode: 0o600 });
    const siteKeys = { gsi: keys.gsi.publicKey, frib: keys.frib.publicKey };
    return readSeals({ address: 'nats://hub:4222/test', site, signingKeyFile, siteKeys });
  }

  async function callsOf(
    site: 'gsi' | 'frib',
    seals: SiteSeals,
    answer: (site: string, host: string, call: SiteCall) => Promise<RpcValue> = async () => true,
  ): Promise<SiteCalls> {
    const connection = await connect(site);
    const subjects = new NatsSubjects('test', site);
    const calls = new SiteCalls({
      connection,
      subjects,
      host: 'daq',
      seals,
      answer,
      clock: systemClock,
      log,
    });
    calls.answerSites(['gsi', 'frib']);
    await connection.flush();
    return calls;
  }

  async function connect(site: string): Promise<NatsConnection> {
    const connection = await connectTo(rig.access('hub', site));
    connections.push(connection);
    return connection;
  }

  async function codeOf(work: Promise<unknown>): Promise<string> {
    try {
      await work;
      return 'none';
    } catch (error) {
      if (isMirrorflowError(error)) return error.code;
      throw error;
    }
  }

  it('a call arrives with its site and host, and its answer or error returns', async () => {
    const answered: unknown[] = [];
    await callsOf('gsi', sealsOf('gsi'), async (site, host, call) => {
      answered.push([site, host, call]);
      if (call.method === 'host.open') throw new MirrorflowError('NOT_PERMITTED', 'not here', { site });
      return LIST;
    });
    const frib = await callsOf('frib', sealsOf('frib'));
    expect(await frib.call('gsi', 'daq', CALL)).to.deep.equal(LIST);
    expect(answered).to.deep.equal([['frib', 'daq', CALL]]);
    expect(await codeOf(frib.call('gsi', 'daq', { ...CALL, method: 'host.open' }))).to.equal('NOT_PERMITTED');
  });

  it('a call that was recorded, changed or signed by another is not answered', async () => {
    let answered = 0;
    await callsOf('gsi', sealsOf('gsi'), async () => {
      answered += 1;
      return true;
    });
    const recorder = await connect('frib');
    const recorded: { subject: string; data: Uint8Array }[] = [];
    recorder.subscribe('test.ask.>', {
      callback: (_error, { subject, data }) => void recorded.push({ subject, data: Uint8Array.from(data) }),
    });
    await recorder.flush();
    await (await callsOf('frib', sealsOf('frib'))).call('gsi', 'daq', CALL);
    const [{ subject, data }] = await eventually(() =>
      recorded.length > 0 ? ([recorded[0]!] as const) : undefined,
    );
    const reply = 'test.inbox.frib.again';
    recorder.publish(subject, data, { reply });
    await eventually(() => logged.some((line) => line.includes('it came before')));
    const changed = Uint8Array.from(data);
    changed[changed.length - 1]! ^= 1;
    recorder.publish(subject, changed, { reply });
    await eventually(() => logged.some((line) => line.includes('changed, forged')));
    expect(answered).to.equal(1);
  });

  it('a call of a site with another key is not answered', async () => {
    let answered = 0;
    await callsOf('gsi', sealsOf('gsi'), async () => {
      answered += 1;
      return true;
    });
    const impostor = await callsOf('frib', sealsOf('frib', newSiteKey()));
    impostor.call('gsi', 'daq', CALL).catch(() => undefined);
    await eventually(() => logged.some((line) => line.includes('changed, forged')));
    expect(answered).to.equal(0);
  });

  it('a call that asks for its answer outside of its own inbox is not answered', async () => {
    let answered = 0;
    await callsOf('gsi', sealsOf('gsi'), async () => {
      answered += 1;
      return true;
    });
    const caller = await connect('frib');
    const places = [
      'test.data.gsi.e1.spectra.now',
      '$KV.test.gsi.daq',
      'test.inbox.gsi.x',
      'test.inbox.fribx.y',
    ];
    const arrived: string[] = [];
    for (const place of places)
      caller.subscribe(place, { callback: (_error, { subject }) => void arrived.push(subject) });
    const subject = new NatsSubjects('test', 'gsi').ask('daq', 'frib');
    for (const [index, reply] of places.entries()) {
      const header = { id: String(index).repeat(32), atMs: Date.now(), host: 'daq' };
      caller.publish(subject, encodeSiteCall(sealsOf('frib'), subject, header, CALL), { reply });
    }
    const frib = await callsOf('frib', sealsOf('frib'));
    expect(await frib.call('gsi', 'daq', CALL)).to.equal(true);
    await caller.flush();
    expect([answered, arrived]).to.deep.equal([1, []]);
  });

  it('a recorded call is not answered after its site was away', async () => {
    let answered = 0;
    const gsi = await callsOf('gsi', sealsOf('gsi'), async () => {
      answered += 1;
      return true;
    });
    const caller = await connect('frib');
    const subject = new NatsSubjects('test', 'gsi').ask('daq', 'frib');
    const header = { id: '7'.repeat(32), atMs: Date.now(), host: 'daq' };
    const recorded = encodeSiteCall(sealsOf('frib'), subject, header, CALL);
    await caller.request(subject, recorded);
    gsi.answerSites([]);
    gsi.answerSites(['frib']);
    await connections[0]!.flush();
    caller.publish(subject, recorded, { reply: 'test.inbox.frib.again' });
    await eventually(() => logged.some((line) => line.includes('it came before')));
    expect(answered).to.equal(1);
  });

  it('a site that floods a host with calls leaves room for those of another site', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await callsOf('gsi', sealsOf('gsi'), async (site) => {
      if (site === 'frib') await held;
      return true;
    });
    const frib = await callsOf('frib', sealsOf('frib'));
    const flood = Array.from({ length: 300 }, () => codeOf(frib.call('gsi', 'daq', CALL)));
    await Promise.any(flood.map(async (code) => expect(await code).to.equal('LIMIT_REACHED')));
    const own = await callsOf('gsi', sealsOf('gsi'));
    // It calls only.
    own.close();
    await connections.at(-1)!.flush();
    expect(await own.call('gsi', 'daq', CALL)).to.equal(true);
    release();
    const codes = await Promise.all(flood);
    expect(codes.filter((code) => code === 'none').length).to.equal(64);
  });

  it('any bytes in the place of a call are refused', async () => {
    await callsOf('gsi', sealsOf('gsi'));
    const caller = await connect('frib');
    const subject = new NatsSubjects('test', 'gsi').ask('daq', 'frib');
    for (const text of ['null', 'null\n', '[]\n', '7\n', `${'['.repeat(100_000)}\n`, '{}\n<a/>']) {
      const bytes = sealsOf('frib').seal(subject, Buffer.from(text));
      caller.publish(subject, bytes, { reply: 'test.inbox.frib.x' });
    }
    const frib = await callsOf('frib', sealsOf('frib'));
    expect(await frib.call('gsi', 'daq', CALL)).to.equal(true);
    const unsealed = Buffer.from('null\n<a/>');
    expect(
      decodeSiteCall(
        new SiteSeals(undefined, undefined),
        'frib',
        'x',
        Buffer.concat([Buffer.of(0), unsealed]),
      ),
    ).to.equal(undefined);
  });

  it('an answer that another site has sealed is refused', async () => {
    await callsOf('gsi', sealsOf('gsi', newSiteKey()));
    const frib = await callsOf('frib', sealsOf('frib'));
    expect(await codeOf(frib.call('gsi', 'daq', CALL))).to.equal('REFUSED');
  });

  it('a call to a host that is not there fails with TRANSPORT_ERROR, a large one with TOO_LARGE', async () => {
    const frib = await callsOf('frib', sealsOf('frib'));
    expect(await codeOf(frib.call('gsi', 'daq', CALL))).to.equal('TRANSPORT_ERROR');
    const large = { ...CALL, params: ['x'.repeat(2_000_000)] };
    expect(await codeOf(frib.call('gsi', 'daq', large))).to.equal('TOO_LARGE');
  });

  it('a call counts once, and near its time only', () => {
    let nowMs = 1_000_000;
    const seen = new SeenCalls(() => nowMs);
    expect(seen.accept('a', nowMs)).to.equal(true);
    expect(seen.accept('a', nowMs)).to.equal(false);
    expect(seen.accept('b', nowMs - 60_001)).to.equal(false);
    expect(seen.accept('b', nowMs + 60_001)).to.equal(false);
    expect(seen.accept('c', nowMs + 59_000)).to.equal(true);
    nowMs += 60_500;
    expect(seen.accept('a', 1_000_000)).to.equal(false);
    nowMs += 58_000;
    expect(seen.accept('c', 1_059_000)).to.equal(false);
  });
});
