/** The examples of docs/xml-rpc.md on a real system, in the order of the page. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { RealSystem } from '../kit/real-system.js';
import { needsPython } from '../kit/requirements.js';

describe('docs/xml-rpc.md', function () {
  let system: RealSystem;

  before(function () {
    needsPython(this, 'xmlrpc.client');
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('every example runs as printed, with the directory, host and secret of this test', async () => {
    system = new RealSystem({ secret: 'the secret of the page on XML-RPC' });
    await system.startHost('running', 'stopped');
    await system.host.stop('stopped');
    const viewer = await system.client('running', 'viewer');
    await viewer.openOutput('events', { bufferSize: 64 });
    const { port, directory, host } = await system.host.info();
    const page = readFileSync(new URL('../../../docs/xml-rpc.md', import.meta.url), 'utf8');
    const program = [...page.matchAll(/```python\n(.*?)```/gs)]
      .map(([, code = '']) => code)
      .join('\n')
      .replaceAll('/run/mirrorflow', directory)
      .replaceAll('daq', '127.0.0.1')
      .replaceAll('7390', String(port))
      .replaceAll('/etc/mirrorflow/secret', String(system.environment['MIRRORFLOW_SECRET_FILE']));
    const { stdout } = await promisify(execFile)('python3', ['-c', program]);
    expect(stdout).to.match(/^running running\n {3}events running 0\nstopped \w+\n/);
    expect(stdout).to.contain(`\n${host}\n`);
  });
});
