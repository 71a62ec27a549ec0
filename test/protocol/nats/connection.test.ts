// Connections to real NATS servers (protocol/nats/connection.ts): proofs, TLS, reconnecting.
import { chmodSync, writeFileSync } from 'node:fs';
import { nkeys, type NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { systemClock } from '../../../protocol/base/clock.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { parseNatsAddress } from '../../../protocol/nats/address.js';
import { connectNats, connectNatsForever, type NatsAccess } from '../../../protocol/nats/connection.js';
import { makeCertificate } from '../../kit/certificate.js';
import { eventually } from '../../kit/eventually.js';
import { NatsRig } from '../../kit/nats-rig.js';
import { needsNatsServer, NatsServer } from '../../kit/nats-server.js';
import { silent } from '../../kit/silent-log.js';
import { skip } from '../../kit/skip.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';

describe('connections to NATS', () => {
  const ends: (() => unknown)[] = [];

  before(function () {
    needsNatsServer(this);
  });

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  function directory(): TemporaryDirectory {
    const made = new TemporaryDirectory();
    ends.push(() => made.remove());
    return made;
  }

  async function serve(at: TemporaryDirectory, ...lines: string[]): Promise<NatsServer> {
    const server = new NatsServer({ name: 'server', directory: at.path, lines });
    ends.push(() => server.kill());
    await server.start();
    return server;
  }

  function accessOf(server: NatsServer, more: Partial<NatsAccess> = {}): NatsAccess {
    return { address: parseNatsAddress(server.address('test')), site: 'gsi', tls: false, ...more };
  }

  async function connected(access: NatsAccess): Promise<NatsConnection> {
    const connection = await connectNats(access, 'test');
    ends.push(() => connection.close());
    return connection;
  }

  async function refusal(access: NatsAccess): Promise<string> {
    try {
      await (await connectNats(access, 'test')).close();
    } catch (error) {
      if (isMirrorflowError(error)) return `${error.code} ${error.message}`;
      throw error;
    }
    throw new Error('the connection was accepted');
  }

  function credentials(at: TemporaryDirectory, text: string): { credentialsFile: string } {
    const file = at.file('credentials');
    writeFileSync(file, text);
    chmodSync(file, 0o600);
    return { credentialsFile: file };
  }

  it('a server accepts user, token and NKey of a file, and a wrong one is refused with the file', async () => {
    const at = directory();
    const user = await serve(at, 'authorization { user: gsi, password: secret1 }');
    await connected(accessOf(user, credentials(at, 'user: gsi\npassword: secret1')));
    const refused = await refusal(accessOf(user, credentials(at, 'user: gsi\npassword: hunter2')));
    expect(refused)
      .to.match(/^SOURCE_REFUSED /)
      .and.to.contain(at.file('credentials'));
    expect(refused).not.to.contain('hunter2');
    expect(await refusal(accessOf(user))).to.contain('without credentials');
    await user.kill();

    const token = await serve(at, 'authorization { token: secret2 }');
    await connected(accessOf(token, credentials(at, 'token: secret2')));
    await token.kill();

    const key = nkeys.createUser();
    const nkey = await serve(at, `authorization { users: [ { nkey: ${key.getPublicKey()} } ] }`);
    await connected(accessOf(nkey, credentials(at, Buffer.from(key.getSeed()).toString())));
  });

  it('TLS verifies the certificate, and a server without TLS is refused where TLS is demanded', async function () {
    const at = directory();
    const files = makeCertificate(at.path);
    if (files === undefined) skip(this, 'openssl is not installed');
    const server = await serve(at, `tls { cert_file: "${files.cert}", key_file: "${files.key}" }`);
    const connection = await connected(accessOf(server, { tls: true, tlsCaFile: files.cert }));
    await connection.flush();
    expect(await refusal(accessOf(server, { tls: true }))).to.match(/^SOURCE_UNREACHABLE .*TLS/);
    await server.kill();
    const plain = await serve(at);
    expect(await refusal(accessOf(plain, { tls: true, tlsCaFile: files.cert }))).to.match(
      /^SOURCE_UNREACHABLE .*TLS/,
    );
  });

  it('a server that is not there is named in the error', async () => {
    const at = directory();
    const server = await serve(at);
    await server.kill();
    expect(await refusal(accessOf(server))).to.contain(
      `SOURCE_UNREACHABLE the NATS server 127.0.0.1:${server.port}`,
    );
  });

  it('a connection that waits for its server is made when that starts, and again after each kill', async () => {
    const at = directory();
    const server = await serve(at);
    const access = accessOf(server);
    await server.kill();
    const aborter = new AbortController();
    ends.push(() => aborter.abort());
    const waiting = connectNatsForever(access, {
      name: 'test',
      clock: systemClock,
      log: silent,
      signal: aborter.signal,
    });
    await server.start();
    const connection = await waiting;
    if (connection === undefined) throw new Error('no connection');
    ends.push(() => connection.close());
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      await server.kill(signal);
      await server.start();
      const received = connection.subscribe('after', { max: 1 });
      await eventually(() =>
        connection.flush().then(
          () => true,
          () => false,
        ),
      );
      connection.publish('after', signal);
      for await (const message of received) expect(message.string()).to.equal(signal);
    }
  });

  it('an aborted wait for a server ends without a connection', async () => {
    const at = directory();
    const server = await serve(at);
    await server.kill();
    const aborter = new AbortController();
    const waiting = connectNatsForever(accessOf(server), {
      name: 'test',
      clock: systemClock,
      log: silent,
      signal: aborter.signal,
    });
    aborter.abort();
    expect(await waiting).to.equal(undefined);
  });

  it('what a leaf publishes reaches the other leaf through the hub, also after the hub was killed', async () => {
    const rig = await NatsRig.start();
    ends.push(() => rig.stop());
    const alpha = await connected(rig.access('alpha', 'alpha'));
    const beta = await connected(rig.access('beta', 'beta'));
    await rig.hub.kill();
    await rig.hub.start();
    const received: string[] = [];
    beta.subscribe('numbers', { callback: (_error, message) => void received.push(message.string()) });
    await eventually(() => {
      alpha.publish('numbers', 'one');
      return received.length > 0;
    });
    expect(received[0]).to.equal('one');
  });
});
