/**
 * A gateway with a certificate and a viewer on another host (a network namespace; needs root): only
 * TLS reaches the services from there, while programs of this host may do without.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { Listener } from '../../gateway/listener.js';
import { readGatewaySecurity } from '../../gateway/security.js';
import { readTlsIdentity, type TlsIdentity } from '../../protocol/rpc/security/tls.js';
import { UnprovenPlaces } from '../../protocol/rpc/security/unproven-places.js';
import { makeCertificate, type CertificateFiles } from '../kit/certificate.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const NAMESPACE = `mft${process.pid}`;
const LINK = `mft${process.pid % 100_000}`;
const [OUTSIDE, INSIDE] = ['10.213.90.1', '10.213.90.2'];
const ANSWER = 'served';
/** Sends a request and prints what it receives; ends when the other end closes. */
const CLIENT = `
  const [kind, port] = process.argv.slice(1);
  const options = { host: '${OUTSIDE}', port, rejectUnauthorized: false };
  const socket = require(kind === 'tls' ? 'tls' : 'net').connect(options, () => socket.write('request'));
  socket.on('data', (chunk) => process.stdout.write(chunk)).on('error', () => undefined);
`;

describe('a gateway with a certificate', () => {
  let directory: TemporaryDirectory;
  let files: CertificateFiles;
  let identity: TlsIdentity;
  let listener: Listener;

  before(function () {
    directory = new TemporaryDirectory();
    const made = makeCertificate(directory.path);
    if (made === undefined) skip(this, 'openssl is not installed, or cannot create a certificate');
    files = made;
    identity = readTlsIdentity(files.cert, files.key);
  });

  after(() => directory.remove());

  beforeEach(async () => {
    const accept = (socket: Socket): void => {
      socket.on('error', () => undefined);
      socket.once('data', (request: Buffer) => {
        expect(request.toString()).to.equal('request');
        socket.end(ANSWER);
      });
    };
    listener = await Listener.open(
      {
        title: 'the test service',
        host: '0.0.0.0',
        identity,
        places: new UnprovenPlaces({ total: 10, perAddress: 10, perPeer: 0 }),
        accept,
        onFull: () => undefined,
      },
      0,
    );
  });

  afterEach(() => listener.close());

  function answerTo(socket: Socket): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
      socket.write('request');
    });
  }

  it('serves programs of its host with and without TLS', async () => {
    const { port } = listener;
    expect(await answerTo(connect(port, '127.0.0.1'))).to.equal(ANSWER);
    const tls = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: identity.cert });
    expect(await answerTo(tls)).to.equal(ANSWER);
    expect(tls.authorized).to.equal(true);
  });

  it('serves other hosts over TLS only', async function () {
    const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });
    try {
      ip('netns', 'add', NAMESPACE);
      ip('link', 'add', `${LINK}o`, 'type', 'veth', 'peer', 'name', `${LINK}i`, 'netns', NAMESPACE);
      ip('addr', 'add', `${OUTSIDE}/30`, 'dev', `${LINK}o`);
      ip('link', 'set', `${LINK}o`, 'up');
      ip('-n', NAMESPACE, 'addr', 'add', `${INSIDE}/30`, 'dev', `${LINK}i`);
      ip('-n', NAMESPACE, 'link', 'set', `${LINK}i`, 'up');
    } catch (error) {
      removeNamespace();
      skip(this, `no network namespaces here: ${String(error).split('\n', 1)[0]}`);
    }
    try {
      expect(await fromOtherHost('tls')).to.equal(ANSWER);
      expect(await fromOtherHost('plain')).to.equal('');
    } finally {
      removeNamespace();
    }
  });

  function fromOtherHost(kind: string): Promise<string> {
    const args = ['netns', 'exec', NAMESPACE, process.execPath, '-e', CLIENT, kind, String(listener.port)];
    return new Promise((resolve, reject) => {
      execFile('ip', args, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
    });
  }

  function removeNamespace(): void {
    spawnSync('ip', ['netns', 'del', NAMESPACE]);
    spawnSync('ip', ['link', 'del', `${LINK}o`]);
  }

  it('uses TLS beyond its host unless the options say that viewers have none', () => {
    const gateway = { restPort: 0, mirrorPort: 0 };
    const { cert: tlsCert, key: tlsKey } = files;
    const usesTls = (host: string, tls?: boolean): boolean =>
      readGatewaySecurity(
        { gateway: tls === undefined ? gateway : { ...gateway, tls }, tlsCert, tlsKey },
        host,
      ).identity !== undefined;
    expect([usesTls('0.0.0.0'), usesTls('127.0.0.1'), usesTls('0.0.0.0', false)]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect(usesTls('127.0.0.1', true)).to.equal(true);
    const without = { gateway: { ...gateway, tls: true }, tlsCert: undefined, tlsKey: undefined };
    expect(() => readGatewaySecurity(without, '0.0.0.0')).to.throw(/requires a certificate/);
  });
});
