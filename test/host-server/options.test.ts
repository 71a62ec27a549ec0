/** The options of the host server and their precedence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readOptions } from '../../host-server/options.js';

describe('options of the host server', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = join(folder, 'mirrorflow.json');
    writeFileSync(
      file,
      JSON.stringify({ listen: 'tcp://localhost:3', directory: '/file', flowDirectory: '/file-flows' }),
    );
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const read = async (args: string[], env: Record<string, string> = {}) => {
    const options = await readOptions(args, env, 1000, '1.2.3');
    expect(options).not.to.equal(undefined);
    return options!;
  };

  it('directories and address have defaults for a user and for the machine', async () => {
    expect(await read([], { XDG_RUNTIME_DIR: '/run/user/1000' })).to.deep.include({
      directory: '/run/user/1000/mirrorflow',
      flowDirectory: '/dev/shm/mirrorflow-1000',
      listen: { scheme: 'tcp', host: '127.0.0.1', port: 7390 },
      applications: [],
    });
    expect((await read([])).directory).to.equal('/tmp/mirrorflow-1000');
    expect((await read(['--scope', 'machine'])).directory).to.equal('/run/mirrorflow');
  });

  it('an option takes precedence over the environment, and that over the file', async () => {
    const env = {
      MIRRORFLOW_DIR: '/environment',
      MIRRORFLOW_FLOW_DIR: '/environment-flows',
      MIRRORFLOW_PORT: '2',
    };
    const args = ['--directory', '/option', '--flow-dir', '/option-flows', '--listen', 'tcp://127.0.0.1:1'];
    const where = async (args: string[], env: Record<string, string>) => {
      const { directory, flowDirectory, listen } = await read(['--config', file, ...args], env);
      return [directory, flowDirectory, listen.port];
    };
    expect(await where(args, env)).to.deep.equal(['/option', '/option-flows', 1]);
    expect(await where([], env)).to.deep.equal(['/environment', '/environment-flows', 2]);
    expect(await where([], {})).to.deep.equal(['/file', '/file-flows', 3]);
    expect(await where([], { MIRRORFLOW_DIR: '', MIRRORFLOW_PORT: '' })).to.deep.equal([
      '/file',
      '/file-flows',
      3,
    ]);
  });

  it('--peer is repeatable, and of any other repeated option the last value counts', async () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, '0123456789abcdef', { mode: 0o600 });
    const { network, directory } = await read([
      '--peer', 'tcp://b:1', '--secret-file', secret, '--directory', '/one', '--peer', 'tcp://c:2', '--directory', '/two',
    ]); // prettier-ignore
    expect(network.peers.map(({ host }) => host)).to.deep.equal(['b', 'c']);
    expect(directory).to.equal('/two');
  });

  it('the runtime directory that systemd created is used, unless another service owns it', async () => {
    expect((await read([], { RUNTIME_DIRECTORY: '/run/mirrorflow' })).directory).to.equal('/run/mirrorflow');
    expect((await read([], { RUNTIME_DIRECTORY: '/run/other' })).directory).to.equal('/tmp/mirrorflow-1000');
    const configured = await read(['--config', file], { RUNTIME_DIRECTORY: '/run/mirrorflow' });
    expect(configured.directory).to.equal('/file');
  });

  it('a bad port in the environment is refused', async () => {
    for (const port of ['x', '-1', '65536', '1.5']) {
      const refused = await read([], { MIRRORFLOW_PORT: port }).catch((error: Error) => error.message);
      expect(refused).to.contain('MIRRORFLOW_PORT').and.to.contain('a port from 0 to 65535');
    }
  });
});
