/**
 * The Python package on a machine without the application: flows and mirrors over TCP and TLS, from
 * real servers whose duplicators are killed and whose links are cut. The cases are those of
 * bindings/python/tests/remote.py.
 */
import { expect } from 'chai';
import { makeCertificate } from '../kit/certificate.js';
import { pythonWithNumpy, runPackage } from '../kit/python.js';
import { RealSystem } from '../kit/real-system.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const SECRET = 'the secret of the Python tests';

describe('conformance: the Python package on another machine', function () {
  let system: RealSystem | undefined;

  before(function () {
    if (pythonWithNumpy() === undefined) skip(this, 'no Python that imports numpy is installed');
  });

  afterEach(async function () {
    const stopping = system;
    system = undefined;
    await stopping?.stop(this.currentTest?.state === 'failed');
  });

  /** Runs the cases on a new system that listens by this scheme. */
  async function runCases(
    scheme: 'tcp' | 'tls',
    hostOptions: readonly string[],
    environment: NodeJS.ProcessEnv,
  ): Promise<string> {
    const started = new RealSystem({
      secret: SECRET,
      hostOptions: ['--listen', `${scheme}://127.0.0.1:0`, ...hostOptions],
    });
    system = started;
    await started.startHost();
    const simulator = await started.simulator({ rate: 20_000, intervalMs: 10 });
    await started.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 10 });
    const host = `${scheme}://127.0.0.1:${(await started.host.info()).port}`;
    const env = { ...started.environment, ...environment, MIRRORFLOW_TEST_HOST: host };
    return runPackage(['-m', 'unittest', 'tests.remote'], env);
  }

  it('flows and mirrors arrive whole over TCP, and every attack on the line is refused', async () => {
    expect(await runCases('tcp', [], {})).to.match(/\nOK/);
  });

  it('flows and mirrors arrive whole over TLS', async function () {
    const directory = new TemporaryDirectory();
    try {
      const files = makeCertificate(directory.path);
      if (files === undefined) skip(this, 'openssl is not installed, or cannot create a certificate');
      const { cert, key } = files;
      const hostOptions = ['--tls-cert', cert, '--tls-key', key, '--tls-ca', cert];
      const environment = { MIRRORFLOW_TEST_CA: cert, MIRRORFLOW_TEST_CERTIFICATE: key };
      expect(await runCases('tls', hostOptions, environment)).to.match(/\nOK/);
    } finally {
      directory.remove();
    }
  });
});
