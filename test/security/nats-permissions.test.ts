/** The permission list of the sites of a collaboration, at a real nats-server. */
import { writeFileSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { parseNatsAddress } from '../../protocol/nats/address.js';
import { connectNats } from '../../protocol/nats/connection.js';
import { permissionConfiguration } from '../../protocol/nats/permissions.js';
import { NatsSubjects } from '../../protocol/nats/subjects.js';
import { eventually } from '../kit/eventually.js';
import { needsNatsServer, NatsServer } from '../kit/nats-server.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const PREFIX = 'e1';

describe('the permission list of the sites', () => {
  const gsi = new NatsSubjects(PREFIX, 'gsi.de');
  const frib = new NatsSubjects(PREFIX, 'frib');
  let directory: TemporaryDirectory;
  let server: NatsServer;
  let atGsi: NatsConnection;
  let atFrib: NatsConnection;

  before(async function () {
    needsNatsServer(this);
    directory = new TemporaryDirectory();
    const text = permissionConfiguration({ prefix: PREFIX, sites: ['gsi.de', 'frib'], hubDomain: undefined });
    writeFileSync(directory.file('sites.conf'), text);
    server = new NatsServer({
      name: 'server',
      directory: directory.path,
      domain: 'hub',
      lines: ['include sites.conf'],
    });
    await server.start();
    const connect = async (site: string): Promise<NatsConnection> => {
      const [, password = ''] = new RegExp(`user: "${site}"\\s+password: "([^"]+)"`).exec(text) ?? [];
      const credentialsFile = directory.file(site);
      writeFileSync(credentialsFile, `user: ${site}\npassword: ${password}`, { mode: 0o600 });
      const access = { address: parseNatsAddress(server.address(PREFIX)), site, credentialsFile, tls: false };
      return connectNats(access, `test of ${site}`);
    };
    atGsi = await connect('gsi.de');
    atFrib = await connect('frib');
  });

  after(async () => {
    await Promise.all([atGsi?.close(), atFrib?.close()]);
    await server?.kill();
    directory?.remove();
  });

  /** What arrives at frib of what gsi publishes on a subject, and the errors that gsi gets. */
  async function published(subject: string): Promise<{ arrived: boolean; refused: boolean }> {
    const received: string[] = [];
    const errors: string[] = [];
    const watch = atGsi.status();
    const watching = (async () => {
      for await (const status of watch) if (status.type === 'error') errors.push(status.error.message);
    })();
    const listening = atFrib.subscribe(`${PREFIX}.data.>`, {
      callback: (_error, message) => void received.push(message.subject),
    });
    await atFrib.flush();
    atGsi.publish(subject, 'forged');
    // Both are answered in the order of sending.
    await atGsi.flush();
    atGsi.publish(gsi.data('app', 'end'), '');
    await eventually(() => received.includes(gsi.data('app', 'end')));
    listening.unsubscribe();
    (watch as unknown as { stop(): void }).stop();
    await watching;
    return { arrived: received.includes(subject), refused: errors.some((text) => text.includes(subject)) };
  }

  it('a site publishes under its own name, and not as another', async () => {
    expect(await published(gsi.data('app', 'flow'))).to.deep.equal({ arrived: true, refused: false });
    expect(await published(frib.data('app', 'flow'))).to.deep.equal({ arrived: false, refused: true });
    expect((await published(frib.ask('daq', 'frib'))).refused).to.equal(true);
    expect((await published(frib.take('app', 'flow', 'frib'))).refused).to.equal(true);
    expect((await published(`$KV.${PREFIX}.frib.daq`)).refused).to.equal(true);
    expect((await published(frib.ask('daq', 'gsi.de'))).refused).to.equal(false);
    expect((await published(frib.take('app', 'flow', 'gsi.de'))).refused).to.equal(false);
  });

  it('a site does not receive the calls and answers of another', async () => {
    for (const subject of [`${frib.inbox}.>`, frib.ask('*', '*'), '>', `${PREFIX}.>`]) {
      const refusal = await new Promise<string>((resolve) => {
        atGsi.subscribe(subject, { callback: (error) => resolve(error?.message ?? 'a message') });
      });
      expect(refusal, subject).to.match(/permission/i);
    }
  });

  it('each site writes its own entry of the bucket, and reads all', async () => {
    const [ofGsi, ofFrib] = await Promise.all(
      [atGsi, atFrib].map((connection) =>
        new Kvm(jetstream(connection)).create(PREFIX, { history: 1, ttl: 30_000 }),
      ),
    );
    const seen: string[] = [];
    const watch = await ofFrib!.watch();
    const watching = (async () => {
      for await (const { key } of watch) seen.push(key);
    })();
    await ofGsi!.put(gsi.key('daq'), 'here');
    await ofFrib!.put(frib.key('daq'), 'there');
    await eventually(() => seen.length === 2);
    watch.stop();
    await watching;
    expect(seen).to.deep.equal(['gsi=de.daq', 'frib.daq']);
  });

  it('a site makes and clears its own stream, reads that of another and cannot change it', async () => {
    const [managerOfGsi, managerOfFrib] = await Promise.all([
      jetstreamManager(atGsi, { checkAPI: false }),
      jetstreamManager(atFrib, { checkAPI: false, timeout: 1_000 }),
    ]);
    await managerOfGsi.streams.add({ name: gsi.stream, subjects: [gsi.allData], max_bytes: 1_000_000 });
    atGsi.publish(gsi.data('app', 'stored'), 'kept');
    await eventually(async () => (await managerOfGsi.streams.info(gsi.stream)).state.messages === 1);
    const consumer = await jetstream(atFrib).consumers.get(gsi.stream);
    expect((await consumer.next({ expires: 5_000 }))?.string()).to.equal('kept');
    for (const change of [
      () => managerOfFrib.streams.purge(gsi.stream),
      () => managerOfFrib.streams.delete(gsi.stream),
      () => managerOfFrib.streams.update(gsi.stream, { max_bytes: 1 }),
      () => managerOfFrib.streams.add({ name: 'other', subjects: [`${PREFIX}.data.other.>`] }),
    ]) {
      const outcome = await change().then(
        () => 'changed',
        () => 'refused',
      );
      expect(outcome).to.equal('refused');
    }
    expect((await managerOfGsi.streams.info(gsi.stream)).state.messages).to.equal(1);
  });
});
