/** `mirrorflow host`: status, start and stop; and commands without a host server. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../kit/eventually.js';
import { ConsoleSystem } from '../system.js';

describe('mirrorflow host', () => {
  let system: ConsoleSystem;

  beforeEach(() => {
    system = new ConsoleSystem();
  });

  afterEach(async () => {
    await system.close();
  });

  it('without a host server commands end with exit code 3 and name the command that starts one', async () => {
    for (const words of [['host'], ['apps'], ['spectra'], ['stop', 'e1'], ['host', 'stop']]) {
      const { exit, stdout, stderr } = await system.run(...words);
      expect([exit, stdout], words.join(' ')).to.deep.equal([3, '']);
      expect(stderr).to.contain('mirrorflow host start');
    }
    const { exit, stderr } = await system.run('host', '--json');
    expect(exit).to.equal(3);
    expect(JSON.parse(stderr)).to.have.nested.property('error.code', 'NOT_RUNNING');
  });

  it('host start starts a host server in the background that host finds and host stop stops', async () => {
    const started = await system.json<{ pid: number; directory: string }>('host', 'start');
    expect(started.directory).to.equal(system.directory);
    expect((await system.json<{ pid: number }>('host')).pid).to.equal(started.pid);
    const again = await system.run('host', 'start');
    expect(again.exit).to.equal(0);
    expect(again.stderr).to.contain('runs already');
    expect((await system.json<{ hostServer: { pid: number } }>('info')).hostServer.pid).to.equal(started.pid);
    const stopped = await system.json<object>('host', 'stop');
    expect(stopped).to.deep.equal({ stopped: true, directory: system.directory, applications: [] });
    expect(system.processes()).to.deep.equal([]);
    expect(system.leftovers()).to.deep.equal([]);
  });

  it('host check reports every mistake of a configuration file, and starts nothing', async () => {
    const file = join(system.directory, '..', `check-${process.pid}.json`);
    writeFileSync(file, JSON.stringify({ listen: 'nowhere', applications: [{ name: 'a b' }] }));
    try {
      const wrong = await system.run('host', 'check', file);
      expect(wrong.exit).to.equal(2);
      expect(wrong.stderr).to.contain('listen "nowhere" is not a valid address');
      expect(wrong.stderr).to.contain('applications[0] "a b" is not a name of a');
      writeFileSync(file, JSON.stringify({ listen: 'tcp://127.0.0.1:0', secretFile: '/no/such/file' }));
      const noSecret = await system.run('host', 'check', file);
      expect(noSecret.exit).to.equal(2);
      expect(noSecret.stderr).to.contain('/no/such/file');
      writeFileSync(file, JSON.stringify({ $schema: './host.schema.json', listen: 'tcp://127.0.0.1:0' }));
      expect(await system.json('host', 'check', file)).to.deep.equal({ file, valid: true });
      expect((await system.run('host')).exit).to.equal(3);
    } finally {
      rmSync(file);
    }
    expect((await system.run('host', 'check')).stderr).to.contain('needs a FILE');
    expect((await system.run('host', 'stop', file)).stderr).to.contain('takes no further word');
  });

  it('host check reports every file that cannot be read, with its key and what to do', async () => {
    const file = join(system.root, 'files.json');
    const open = join(system.root, 'open.secret');
    writeFileSync(open, 'x'.repeat(32), { mode: 0o644 });
    chmodSync(open, 0o644);
    const configuration = {
      secretFile: open,
      tlsCert: '/no/such/cert.pem',
      tlsKey: '/no/such/key.pem',
      tlsCa: '/no/such/ca.pem',
      dataPorts: 'x',
      nats: { address: 'nats://127.0.0.1:4222/lab', credentialsFile: '/no/such/creds' },
      applications: [
        { name: 'e1', gateway: { restPort: 0, mirrorPort: 0, changesTokenFile: '/no/such/token' } },
      ],
    };
    writeFileSync(file, JSON.stringify(configuration));
    const { exit, stderr } = await system.run('host', 'check', file);
    expect(exit).to.equal(2);
    const lines = stderr.split('\n').map((line) => line.trim());
    const problemOf = (key: string): string => lines.find((line) => line.startsWith(key)) ?? stderr;
    expect(problemOf('dataPorts ')).to.match(/^dataPorts is "x"; /);
    expect(problemOf('secretFile: ')).to.contain(`run chmod 640 ${open}`);
    for (const key of ['tlsCert', 'tlsKey', 'tlsCa', 'nats.credentialsFile']) {
      expect(problemOf(`${key}: `))
        .to.contain('ENOENT')
        .and.contain('create it, or correct its path');
    }
    expect(problemOf('applications[0].gateway.changesTokenFile: ')).to.contain('/no/such/token');
  });

  it('host check refuses a viewer beyond this machine without a secret, which the unit may give', async () => {
    const file = join(system.root, 'web.json');
    const secret = join(system.root, 'web.secret');
    writeFileSync(secret, 'x'.repeat(32), { mode: 0o600 });
    writeFileSync(file, JSON.stringify({ web: 'tcp://0.0.0.0:7391', peers: ['tcp://daq:7390'] }));
    const { exit, stderr } = await system.run('host', 'check', file);
    expect(exit).to.equal(2);
    expect(stderr).to.contain(
      'web: tcp://0.0.0.0:7391: listening for other machines requires a shared secret',
    );
    expect(stderr).to.contain('peers: other hosts are connected with a shared secret only');
    expect(stderr).to.contain('The check sees no options and variables of a service unit');
    const given = await system.run('host', 'check', file, '--secret-file', secret);
    expect([given.exit, given.stderr]).to.deep.equal([0, '']);
    writeFileSync(file, JSON.stringify({ web: 'tls://0.0.0.0:7391', secretFile: secret }));
    expect((await system.run('host', 'check', file)).stderr).to.contain(
      'web: tls://0.0.0.0:7391: TLS requires',
    );
  });

  it('of two host servers started at the same time one runs', async () => {
    const results = await Promise.all([
      system.run('host', 'start', '--json'),
      system.run('host', 'start', '--json'),
    ]);
    expect(results.map(({ exit }) => exit)).to.deep.equal([0, 0]);
    const pids = results.map(({ stdout }) => (JSON.parse(stdout) as { pid: number }).pid);
    expect(pids[0]).to.equal(pids[1]);
  });

  it('host stop --keep leaves applications running that the next host server adopts', async () => {
    const { address } = await system.simulator();
    await system.json('host', 'start');
    const { pid } = await system.json<{ pid: number }>('run', 'e1', '--spectcl', address);
    expect((await system.run('host', 'stop', '--keep')).stdout).to.contain('Still running: e1');
    await system.json('host', 'start');
    const adopted = await system.json<{ pid: number }>('run', 'e1');
    expect(adopted.pid).to.equal(pid);
    expect((await system.run('host', 'stop', '--everything')).stdout).to.contain('and with it: e1');
    expect(system.processes()).to.deep.equal([]);
  });

  it('options of an application that were changed since its start are named in the log, without values', async () => {
    const config = join(system.root, 'lab.json');
    const log = (): string[] =>
      readFileSync(join(system.directory, 'logs', 'host-server.log'), 'utf8').split('\n');
    const changes = (): unknown[] =>
      log()
        .filter((line) => line.includes('options that the configuration does not have'))
        .map((line) => (JSON.parse(line) as { changed: unknown }).changed);
    const application = {
      name: 'e1',
      updateIntervalMs: 100,
      lingerMs: 5_000,
      record: { flows: ['events'], keepMs: 60_000 },
      gateway: { restPort: 0, mirrorPort: 0 },
      access: { mode: 'private' },
      programs: { helper: { command: '/bin/true', args: ['a secret'] } },
    };
    const restart = async (changed: object): Promise<void> => {
      writeFileSync(config, JSON.stringify({ applications: [changed] }));
      await system.run('host', 'stop', '--keep');
      await system.json('host', 'start', '--config', config);
      await eventually(async () => {
        const [info] = await system.json<{ state: string }[]>('apps');
        return info?.state === 'running';
      }, 'the application runs');
    };
    await restart(application);
    await restart(application);
    expect(changes()).to.deep.equal([]);
    await restart({
      ...application,
      lingerMs: 6_000,
      record: { flows: ['events'], keepMs: 70_000 },
      programs: { helper: { command: '/bin/true', args: ['another secret'] } },
    });
    expect(changes()).to.have.length(1);
    expect(String(changes()[0]).split(', ').toSorted()).to.deep.equal([
      'lingerMs',
      'programs.helper',
      'record.keepMs',
    ]);
    expect(log().join('')).to.not.contain('another secret');
  });

  it('host start --foreground stays until SIGTERM', async () => {
    const command = system.spawn(['host', 'start', '--foreground']);
    let info = await system.run('host');
    while (info.exit === 3) info = await system.run('host');
    command.child.kill('SIGTERM');
    expect((await command.ended).exit).to.equal(0);
    expect((await system.run('host')).exit).to.equal(3);
  });

  it('a host server that cannot start reports its cause', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { exit, stderr } = await system.run(
      'host',
      'start',
      '--listen',
      `tcp://127.0.0.1:${port}`,
      '--json',
    );
    server.close();
    expect(exit).to.equal(1);
    expect(JSON.parse(stderr)).to.have.nested.property('error.code', 'ADDRESS_IN_USE');
    expect(system.processes()).to.deep.equal([]);
  });

  it('host start reports an error in a configuration and accepts a correct one', async () => {
    const config = join(system.root, 'config.json');
    writeFileSync(config, '{"applications": [{"name": "/"}]}');
    const bad = await system.run('host', 'start', '--config', config);
    expect(bad.exit).to.equal(2);
    expect(bad.stderr).to.match(/^mirrorflow: .*config\.json.*name/);
    const address = await system.run('host', 'start', '--listen', 'nonsense');
    expect(address.exit).to.equal(2);
    expect(address.stderr)
      .to.match(/^mirrorflow: "nonsense" is not /)
      .and.to.not.match(/\(--help/);
    writeFileSync(config, '{"applications": []}');
    expect((await system.run('host', 'start', '--config', config)).exit).to.equal(0);
  });

  it('host stop refuses --keep together with --everything', async () => {
    expect((await system.run('host', 'stop', '--keep', '--everything')).exit).to.equal(2);
  });
});
