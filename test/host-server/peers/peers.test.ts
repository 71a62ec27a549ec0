/**
 * Tests several host servers on one machine, each with its own directories: their connections with
 * each other, refusals, and calls that they forward. Real sockets and app servers.
 */
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { HostServer } from '../../../host-server/host-server.js';
import type { HostServerOptions, NetworkOptions } from '../../../host-server/options.js';
import { CONTROL_VERSION, ControlCaller } from '../../../protocol/rpc/security/control-handshake.js';
import { readTlsIdentity, readTlsTrust } from '../../../protocol/rpc/security/tls.js';
import { encodeCall } from '../../../protocol/rpc/xml-rpc/codec.js';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import { PLAIN_TRANSPORT } from '../../../protocol/rpc/security/transport.js';
import type { MirrorflowError } from '../../../protocol/base/errors.js';
import { ownIdentity } from '../../../protocol/base/owner-identity.js';
import { PROTOCOL_VERSION } from '../../../protocol/base/version.js';
import { identityToWire } from '../../../protocol/rpc/contract/identity-on-wire.js';
import { CONTRACT } from '../../../protocol/rpc/contract/methods.js';
import { connectControl } from '../../../protocol/rpc/xml-rpc/control-socket.js';
import { callerOf } from '../../../protocol/rpc/xml-rpc/contract.js';
import { HttpRpcClient } from '../../../protocol/rpc/xml-rpc/http-client.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';
import { HostServerSystem } from '../host-server-system.js';
import { silent } from '../../kit/silent-log.js';
import { eventually } from '../../kit/eventually.js';
import { skip } from '../../kit/skip.js';

const SECRET = new Secret('a secret of the whole lab');
/** For connections to a host without TLS. */
const PLAIN = { secret: SECRET, identity: undefined, trust: { ca: undefined } };
const TEST_TIMEOUT_MS = 60_000;

describe('host servers of one network', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let systems: HostServerSystem[];

  beforeEach(() => {
    systems = [];
  });

  afterEach(async () => {
    for (const system of systems) await system.stop();
  });

  interface Host {
    readonly system: HostServerSystem;
    readonly server: HostServer;
    readonly address: { readonly scheme: 'tcp'; readonly host: string; readonly port: number };
  }

  async function host(
    hostName: string,
    { peers = [], ...given }: Partial<HostServerOptions & Pick<NetworkOptions, 'peers'>> = {},
  ): Promise<Host> {
    const system = new HostServerSystem();
    systems.push(system);
    const security = { files: NO_FILES, secret: SECRET, identity: undefined, trust: { ca: undefined } };
    const server = await system.serve({}, [], {
      network: { hostName, peers, discover: false, dataPorts: undefined },
      security,
      ...given,
    });
    await server.startApplications();
    return { system, server, address: { scheme: 'tcp', host: '127.0.0.1', port: server.port } };
  }

  const network = async ({ system }: Host) => (await system.connect())('host.network', []);

  /** The names of the connected hosts, as host `seen` lists them. */
  async function connected(seen: Host): Promise<(string | undefined)[]> {
    return (await network(seen)).filter((entry) => entry.connected).map((entry) => entry.host);
  }

  async function untilConnected(seen: Host, names: readonly string[]): Promise<void> {
    await eventually(
      async () => {
        return JSON.stringify(await connected(seen)) === JSON.stringify(names);
      },
      `${names.join(', ')} are connected`,
    );
  }

  const refusal = (promise: Promise<unknown>): Promise<MirrorflowError> =>
    promise.then(
      () => Promise.reject(new Error('it was not refused')),
      (error: MirrorflowError) => error,
    );

  it('connected hosts list each other and what runs where, whichever has connected', async () => {
    const a = await host('a');
    const b = await host('b', { peers: [a.address] });
    await untilConnected(a, ['a', 'b']);
    await untilConnected(b, ['b', 'a']);
    await (
      await b.system.connect()
    )('host.run', [{ name: 'e1' }]);
    const [own, other] = await network(a);
    expect(own).to.include({ host: 'a', own: true, connected: true });
    expect(other).to.include({ host: 'b', own: false, connected: true });
    expect(other?.applications.map(({ name, state }) => [name, state])).to.deep.equal([['e1', 'running']]);
  });

  it('a host starts and stops applications on another host', async () => {
    const a = await host('a');
    const b = await host('b', { peers: [a.address] });
    await untilConnected(a, ['a', 'b']);
    const call = await a.system.connect();
    expect(await call('host.run', [{ name: 'e1' }, 'b'])).to.include({ name: 'e1', state: 'running' });
    expect(await call('host.applications', [])).to.deep.equal([]);
    expect(b.system.living()).to.have.length(1);
    expect(await call('host.stop', ['e1', 'b'])).to.include({ name: 'e1', state: 'stopped' });
    expect((await refusal(call('host.run', [{ name: 'e1' }, 'c']))).code).to.equal('UNKNOWN_HOST');
    const stated = refusal(call('host.run', [{ name: 'e1', programs: {} }, 'b']));
    expect((await stated).code).to.equal('NOT_PERMITTED');
  });

  it('two hosts that have each other’s address keep one connection', async () => {
    const reserved = createServer().listen(0, '127.0.0.1');
    await once(reserved, 'listening');
    const { port } = reserved.address() as AddressInfo;
    await new Promise((resolve) => void reserved.close(resolve));
    const a = await host('a', { peers: [{ scheme: 'tcp', host: '127.0.0.1', port }] });
    const listen = { scheme: 'tcp', host: '127.0.0.1', port } as const;
    const b = await host('b', { listen, peers: [a.address, listen] });
    await untilConnected(a, ['a', 'b']);
    await untilConnected(b, ['b', 'a']);
    for (const one of [a, b])
      await eventually(async () => (await network(one)).length === 2, 'no other host is listed');
  });

  it('a lost host is noticed at once and reconnected when it is back', async () => {
    const a = await host('a');
    const b = await host('b', { peers: [a.address] });
    await untilConnected(b, ['b', 'a']);
    await a.server.quit(true);
    await untilConnected(b, ['b']);
    const lost = (await network(b)).find((entry) => entry.host === 'a');
    expect(lost).to.include({ connected: false, address: `tcp://127.0.0.1:${a.address.port}` });
    const call = await b.system.connect();
    expect((await refusal(call('host.run', [{ name: 'e1' }, 'a']))).message).to.contain(
      'host a is unreachable',
    );
    await host('a', { listen: a.address });
    await untilConnected(b, ['b', 'a']);
  });

  it('a second host of the same name is refused with what to do', async () => {
    const a = await host('a');
    const b = await host('b', { peers: [a.address] });
    await untilConnected(b, ['b', 'a']);
    const other = await host('b', { peers: [a.address] });
    await eventually(
      async () => (await network(other)).some(({ cause }) => cause !== undefined),
      'the cause is listed',
    );
    const [, lost] = await network(other);
    expect(lost?.cause).to.contain('is named b already').and.to.contain('--host-name');
    await untilConnected(a, ['a', 'b']);
  });

  it('a host with another secret is refused, and nothing is revealed', async () => {
    const a = await host('a');
    const security = {
      files: NO_FILES,
      secret: new Secret('another secret entirely'),
      identity: undefined,
      trust: { ca: undefined },
    };
    const b = await host('b', { security, peers: [a.address] });
    await eventually(
      async () => (await network(b)).some(({ cause }) => cause !== undefined),
      'the cause is listed',
    );
    expect((await network(b))[1]?.cause).to.contain('does not have the shared secret');
    expect(await connected(a)).to.deep.equal(['a']);
  });

  it('a host without a secret refuses all others with the reason', async () => {
    const security = { files: NO_FILES, secret: undefined, identity: undefined, trust: { ca: undefined } };
    const a = await host('a', { security });
    const options = { context: () => ({ session: undefined }), log: silent };
    const refused = await refusal(connectControl(a.address, PLAIN, options));
    expect(refused.code).to.equal('REFUSED');
    expect(refused.message).to.contain('has no shared secret; start its host server with --secret-file');
    const b = await host('b', { peers: [a.address] });
    await eventually(
      async () => (await network(b)).some(({ cause }) => cause !== undefined),
      'the cause is listed',
    );
    expect((await network(b))[1]?.cause).to.contain('the other host has no shared secret');
    expect(await connected(a)).to.deep.equal(['a']);
  });

  it('hosts with certificates use TLS on the same port and refuse untrusted certificates', async function () {
    const directory = new TemporaryDirectory();
    try {
      const [cert, key] = [directory.file('cert.pem'), directory.file('key.pem')];
      const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      const made = spawnSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert, '-days', '2']);
      if (made.status !== 0) skip(this, 'openssl is not installed, or cannot create a certificate');
      const identity = readTlsIdentity(cert, key);
      const trust = readTlsTrust(cert);
      const security = { files: NO_FILES, secret: SECRET, identity, trust };
      const a = await host('a', { security, listen: { scheme: 'tls', host: '127.0.0.1', port: 0 } });
      const address = { scheme: 'tls', host: 'localhost', port: a.address.port } as const;
      const b = await host('b', { security, peers: [address] });
      await untilConnected(a, ['a', 'b']);
      await untilConnected(b, ['b', 'a']);
      const mistrusting = { files: NO_FILES, secret: SECRET, identity: undefined, trust: { ca: undefined } };
      const c = await host('c', { security: mistrusting, peers: [address] });
      await eventually(
        async () => (await network(c)).some(({ cause }) => cause !== undefined),
        'the cause is listed',
      );
      expect((await network(c))[1]?.cause).to.contain('self-signed certificate');
      const plain = new HttpRpcClient(a.address, { token: a.system.token() });
      expect((await refusal(plain.call('host.info', []))).code).to.equal('TRANSPORT_ERROR');
      plain.close();
      const url = `https://localhost:${a.address.port}/RPC2`;
      const body = encodeCall('host.info', []).toString();
      const token = a.system.token();
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const headers = { 'content-type': 'text/xml', authorization: `Bearer ${token}` };
        const sent = httpsRequest(url, { method: 'POST', headers, ca: trust.ca, agent: false }, resolve);
        sent.on('error', reject);
        sent.end(body);
      });
      expect(answer.statusCode).to.equal(200);
      answer.destroy();
    } finally {
      directory.remove();
    }
  });

  it('another host has every right by its proof, and is no process of this host', async () => {
    const a = await host('a');
    const options = { context: () => ({ session: undefined }), log: silent };
    const session = await connectControl(a.address, PLAIN, options);
    const call = callerOf(CONTRACT, session);
    expect(await call('host.restart', [{ name: 'e1' }])).to.include({ state: 'running' });
    const relayedBy = call('host.relay', ['a', { method: 'remote.inquire', params: [] }]);
    expect((await refusal(relayedBy)).code).to.equal('NOT_PERMITTED');
    const ready = {
      version: PROTOCOL_VERSION,
      identity: identityToWire(ownIdentity()),
      name: 'e2',
      socket: a.system.directory,
      port: 0,
    };
    const subscribed = call('host.subscribe', [ready]);
    expect((await refusal(subscribed)).message).to.contain('its own machine');
    const failed = call('child.failed', [{ launch: 'l', code: 'SYSTEM_ERROR', message: 'm' }]);
    expect((await refusal(failed)).message).to.contain('its own machine');
    expect((await refusal(call('host.running', [['e1']]))).code).to.equal('REFUSED');
    const relayed = { method: 'remote.inquire', params: [] } as const;
    expect((await refusal(call('host.forward', ['e1', { ...relayed, params: [] }]))).code).to.equal(
      'REFUSED',
    );
    const here = await a.system.connect();
    const relay = here('host.relay', ['a', { ...relayed, params: [] }]);
    expect((await refusal(relay)).code).to.equal('NOT_PERMITTED');
    session.destroy();
  });

  describe('connections to the port', () => {
    let a: Host;
    let sockets: Socket[];

    beforeEach(async () => {
      a = await host('a');
      sockets = [];
    });

    afterEach(() => {
      for (const socket of sockets) socket.destroy();
    });

    async function open(): Promise<Socket> {
      const socket = connect(a.address);
      socket.on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    }

    async function answersHttp(): Promise<void> {
      const client = new HttpRpcClient(a.address, { token: a.system.token() });
      expect(await client.call('system.listMethods', [])).to.include('host.info');
      client.close();
    }

    it('the first byte makes a connection HTTP or permanent', async () => {
      await answersHttp();
      const options = { context: () => ({ session: undefined }), log: silent };
      const session = await connectControl(a.address, PLAIN, options);
      expect(await callerOf(CONTRACT, session)('host.info', [])).to.include({ host: 'a' });
      session.destroy();
    });

    it('a thousand silent connections are closed, and all others are served', async () => {
      const silentOnes = await Promise.all(Array.from({ length: 1_000 }, () => open()));
      await answersHttp();
      await eventually(
        () =>
          silentOnes.filter((socket) => socket.closed || socket.readableEnded || socket.destroyed).length >=
          870,
        'most of them are closed',
      );
    });

    it('a handshake that is slow, cut off, too long or replayed is closed', async () => {
      const caller = new ControlCaller(SECRET);
      const slow = await open();
      slow.write(caller.opening.subarray(0, 1));
      let sent = 1;
      const drip = setInterval(() => void slow.write(caller.opening.subarray(sent, (sent += 1))), 1_000);
      const long = await open();
      long.write(Buffer.alloc(10_000, 0x89));
      await once(long, 'close');
      const replayed = await open();
      replayed.write(caller.opening);
      const [answer] = (await once(replayed, 'data')) as [Buffer];
      const proof = caller.push(answer).send ?? Buffer.alloc(0);
      const again = await open();
      again.write(caller.opening);
      await once(again, 'data');
      again.write(proof);
      const [verdict] = (await once(again, 'data')) as [Buffer];
      expect(verdict.readUInt32LE(0), 'the replayed proof').not.to.equal(0);
      await once(again, 'close');
      await once(slow, 'close').finally(() => clearInterval(drip));
      await answersHttp();
    });

    it('a host of another version is refused with both versions', async () => {
      const socket = await open();
      socket.write(new ControlCaller(SECRET, PLAIN_TRANSPORT, CONTROL_VERSION - 1).opening);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      const step = new ControlCaller(SECRET, PLAIN_TRANSPORT, CONTROL_VERSION - 1).push(answer);
      expect((step.outcome as MirrorflowError).message)
        .to.contain(`version ${CONTROL_VERSION},`)
        .and.to.contain(`version ${CONTROL_VERSION - 1};`);
    });
  });
});

const NO_FILES = { secretFile: undefined, tlsCert: undefined, tlsKey: undefined, tlsCa: undefined };
