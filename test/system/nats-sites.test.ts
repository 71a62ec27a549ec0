/** Hosts of several sites that meet over NATS: a hub and leaf nodes as real processes. */
import { jetstreamManager } from '@nats-io/jetstream';
import { expect } from 'chai';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { permissionConfiguration } from '../../protocol/nats/permissions.js';
import { newSiteKey } from '../../protocol/nats/signature.js';
import { eventually } from '../kit/eventually.js';
import { NatsCollaboration } from '../kit/nats-collaboration.js';
import { connectTo } from '../kit/nats-rig.js';
import { needsNatsServer } from '../kit/nats-server.js';

const SIZES = { bufferSize: 64, buffers: 16 };
const PUBLISH = [{ app: 'daq', flows: ['events'] }];

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isMirrorflowError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error('nothing was refused');
}

class RunStarted {
  static readonly attributes = { run: 'number' } as const;
  run: number;

  constructor(run = 0) {
    this.run = run;
  }
}

describe('sites that meet over NATS', () => {
  let sites: NatsCollaboration;

  before(async function () {
    needsNatsServer(this);
    sites = await NatsCollaboration.start();
  });

  after(() => sites?.stop());

  afterEach(function () {
    return sites.stopSites(this.currentTest?.state === 'failed');
  });

  it('a host lists the published applications and flows of other sites, and no others', async () => {
    const alpha = await sites.startSite('alpha', {
      host: 'daq1',
      nats: { publish: [...PUBLISH, { app: 'secret' }] },
      applications: [{ name: 'daq' }, { name: 'own' }, { name: 'secret', access: { mode: 'private' } }],
    });
    const beta = await sites.startSite('beta');
    const client = await alpha.client('daq', 'writer');
    await client.openOutput('events', { bufferSize: 64, buffers: 8 });
    await client.openOutput('hidden', { bufferSize: 64, buffers: 8 });
    const listed = await sites.listed('beta', 'daq1.alpha', ({ flows }) => flows?.[0]?.state === 'running');
    expect(listed).to.include({ site: 'alpha', own: false, connected: true });
    expect(listed.applications.map(({ name, state }) => `${name} ${state}`)).to.deep.equal(['daq running']);
    expect(listed.flows).to.deep.equal([{ app: 'daq', flow: 'events', type: 'bytes', state: 'running' }]);
    const listing = async (command: string): Promise<string> =>
      beta.program('console/main.js', [command, '--all']).success();
    expect(await listing('apps')).to.match(/^daq1\.alpha +daq +running/m);
    expect(await listing('flows')).to.match(/^daq1\.alpha +daq +events +bytes +running/m);
    expect(await beta.program('console/main.js', ['hosts']).success()).to.match(
      /^daq1\.alpha +connected +site alpha/m,
    );
    // And the other way: a host that publishes nothing is there all the same.
    expect((await sites.listed('alpha', 'beta')).applications).to.deep.equal([]);
  });

  it('a host that ends is not listed any more, and one that starts again is', async () => {
    const alpha = await sites.startSite('alpha');
    await sites.startSite('beta');
    await sites.listed('beta', 'alpha');
    await alpha.host.quit(true);
    await sites.notListed('beta', 'alpha');
    await sites.restartHost('alpha');
    await sites.listed('beta', 'alpha');
  });

  it('sites find each other again after the hub, a leaf and a NATS process were killed', async () => {
    await sites.startSite('alpha', { nats: { publish: PUBLISH }, applications: [{ name: 'daq' }] });
    await sites.startSite('beta');
    await sites.listed('beta', 'alpha');
    await Promise.all([sites.rig.restart('hub'), sites.rig.restart('alpha')]);
    await sites.system('alpha').host.stop('daq');
    await sites.listed('beta', 'alpha', ({ applications }) => applications[0]?.state === 'stopped');
    const pid = await sites.natsPid('beta');
    process.kill(pid, 'SIGKILL');
    await eventually(async () => (await sites.natsPid('beta')) !== pid);
    await sites.listed('beta', 'alpha', ({ applications }) => applications[0]?.state === 'stopped');
  });

  it('a message reaches the clients of the same application at another site', async () => {
    const applications = [{ name: 'daq' }];
    const alpha = await sites.startSite('alpha', { nats: { publish: PUBLISH }, applications });
    const beta = await sites.startSite('beta', { nats: { publish: PUBLISH }, applications });
    await sites.listed('alpha', 'beta', ({ applications: [app] }) => app?.state === 'running');
    await sites.listed('beta', 'alpha', ({ applications: [app] }) => app?.state === 'running');
    const [sender, receiver] = [await alpha.client('daq', 'sender'), await beta.client('daq', 'receiver')];
    const received = receiver.waitFor(RunStarted, { timeoutMs: 30_000 });
    const { received: by } = await sender.send(new RunStarted(7), { to: { client: 'receiver' } });
    expect(by).to.deep.equal([{ host: 'beta', client: 'receiver' }]);
    expect((await received)?.run).to.equal(7);
  });

  it('an application starts at another site only where that site allows it', async () => {
    const applications = [{ name: 'daq' }];
    const alpha = await sites.startSite('alpha', {
      nats: { publish: PUBLISH, allowStart: ['beta'] },
      applications,
    });
    const beta = await sites.startSite('beta', { nats: { publish: PUBLISH }, applications });
    await sites.listed('alpha', 'beta');
    await sites.listed('beta', 'alpha');
    await alpha.host.stop('daq');
    await beta.host.stop('daq');
    expect(await refusal(alpha.host.run({ name: 'daq' }, 'beta'))).to.match(/^NOT_PERMITTED .*allowStart/);
    expect(await refusal(beta.host.run({ name: 'other' }, 'alpha'))).to.match(/^NOT_PERMITTED /);
    expect(await refusal(beta.host.run({ name: 'daq', port: 7400 }, 'alpha'))).to.match(/^BAD_OPTION /);
    expect(await refusal(beta.host.stop('daq', 'alpha'))).to.match(/^NOT_PERMITTED /);
    const started = await beta.host.run({ name: 'daq' }, 'alpha');
    expect(started).to.include({ name: 'daq', state: 'running' });
    expect(started).not.to.have.any.keys('pid', 'socket', 'port');
    expect(await alpha.appServerPid('daq')).to.be.above(0);
    expect(await beta.appServerPid('daq')).to.equal(0);
  });

  it('a site whose key is not the one handed over is not listed', async () => {
    const keys = { alpha: newSiteKey(), beta: newSiteKey() };
    const siteKeys = { alpha: keys.alpha.publicKey, beta: keys.beta.publicKey };
    const signed = (site: 'alpha' | 'beta', key = keys[site]) => ({
      nats: { siteKeys, signingKeyFile: sites.keyFile(site, key.privateKey), publish: PUBLISH },
      applications: [{ name: 'daq' }],
    });
    await sites.startSite('alpha', signed('alpha'));
    const beta = await sites.startSite('beta', signed('beta'));
    await sites.listed('beta', 'alpha');
    await sites.listed('alpha', 'beta');
    await beta.host.quit(true);
    await sites.startSite('beta', signed('beta', newSiteKey()));
    await sites.listed('beta', 'alpha');
    const refused = 'an entry of another site was refused: changed, forged, or none';
    await eventually(() => sites.natsLog('alpha').includes(refused));
    await sites.notListed('alpha', 'beta');
  });

  it('a NATS process outlives its host server, and the next one adopts it', async () => {
    const alpha = await sites.startSite('alpha');
    await sites.startSite('beta');
    await sites.listed('beta', 'alpha');
    const pid = await sites.natsPid('alpha');
    await alpha.host.quit(false);
    await alpha.host.closed;
    await sites.restartHost('alpha');
    expect(await sites.natsPid('alpha')).to.equal(pid);
    await sites.listed('alpha', 'beta');
  });
});

describe('sites behind leaf nodes with permissions', () => {
  let sites: NatsCollaboration;

  before(async function () {
    needsNatsServer(this);
    const text = permissionConfiguration({ prefix: 'test', sites: ['alpha', 'beta'], hubDomain: 'hub' });
    sites = await NatsCollaboration.start({
      files: { 'sites.conf': text },
      lines: (server) => (server === 'hub' ? ['include sites.conf'] : []),
      leafUser: (leaf) => {
        const [, password] = new RegExp(`user: "${leaf}"\\s+password: "([^"]+)"`).exec(text) ?? [];
        return `${leaf}:${password}@`;
      },
    });
  });

  after(() => sites?.stop());

  afterEach(function () {
    return sites.stopSites(this.currentTest?.state === 'failed');
  });

  it('hosts list and call each other, and a flow crosses, and no leaf publishes as another site', async () => {
    await sites.startSite('alpha', {
      nats: { publish: [{ app: 'daq', wan: 'lossless' }], allowStart: ['beta'] },
      applications: [{ name: 'daq' }],
    });
    const via = `${sites.rig.server('beta').address('test')}/alpha`;
    const beta = await sites.startSite('beta', { applications: [{ name: 'daq', via }] });
    await sites.listed('alpha', 'beta');
    await sites.listed('beta', 'alpha', ({ applications: [app] }) => app?.state === 'running');
    expect(await beta.host.run({ name: 'daq' }, 'alpha')).to.include({ state: 'running' });
    const output = await (await sites.system('alpha').client('daq')).openOutput('events', SIZES);
    const consumer = await beta.client('daq');
    const input = await eventually(
      () => consumer.openInput('events', { delivery: 'lossless' }).catch(() => undefined),
      'the flow is published',
    );
    // More than the ring holds: reports of the receiver let the writer continue.
    const count = 4 * SIZES.buffers;
    const writing = (async () => {
      for (let number = 0; number < count; number += 1) await output.write(new Uint8Array(64).fill(number));
    })();
    for (let number = 0; number < count; number += 1) {
      const buffer = await input.take();
      expect(buffer?.data[0]).to.equal(number);
      buffer?.release();
    }
    await writing;
    // Flow control: the provider gets the mark of a full history.
    const marks: string[] = [];
    output.on('flowControl', (mark) => void marks.push(`${mark.kind} of ${mark.consumer}`));
    await consumer.openInput('events', { history: 8, flowControl: { xoff: [6], xon: [2] } });
    const more = Array.from({ length: 8 }, () => output.write(new Uint8Array(64)));
    await eventually(() => marks.includes('xoff of test'), 'the XOFF mark has arrived');
    await Promise.all([input.close(), ...more]);
  });

  it('no leaf publishes as another site, or changes its stream', async () => {
    const [alpha, beta] = await Promise.all(
      ['alpha', 'beta'].map((name) => connectTo(sites.rig.access(name, name))),
    );
    try {
      const received: string[] = [];
      beta!.subscribe('test.data.>', { callback: (_error, message) => void received.push(message.subject) });
      await beta!.flush();
      await eventually(() => {
        alpha!.publish('test.data.beta.daq.forged', '');
        alpha!.publish('test.data.alpha.daq.own', '');
        return received.length > 5;
      });
      expect(new Set(received)).to.deep.equal(new Set(['test.data.alpha.daq.own']));
      const hub = { domain: 'hub', timeout: 1_000, checkAPI: false };
      const [own, other] = await Promise.all([jetstreamManager(alpha!, hub), jetstreamManager(beta!, hub)]);
      const before = await own.streams.info('test-alpha');
      for (const change of [
        () => other.streams.purge('test-alpha'),
        () => other.streams.delete('test-alpha'),
        () => other.streams.update('test-alpha', { max_bytes: 1 }),
        () => other.streams.add({ name: 'other', subjects: ['test.data.other.>'] }),
      ]) {
        const outcome = await change().then(
          () => 'changed',
          () => 'refused',
        );
        expect(outcome).to.equal('refused');
      }
      expect((await own.streams.info('test-alpha')).config).to.deep.equal(before.config);
    } finally {
      await Promise.all([alpha!.close(), beta!.close()]);
    }
  });
});
