/**
 * The host server as a program: its start, its end, what the next one adopts, and its notices to
 * systemd.
 */
import { spawnSync, execFile, spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { appServerArguments } from '../../protocol/rpc/contract/app-server-options.js';
import { identityToWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { MirrorflowError } from '../../protocol/base/errors.js';
import { isAlive, ownIdentity } from '../../protocol/base/owner-identity.js';
import { UnixDatagramSocket } from '../../protocol/flow/signal-link/unix-datagram.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { HttpRpcClient } from '../../protocol/rpc/xml-rpc/http-client.js';
import { HostServerSystem, PROGRAM, STAND_IN } from './host-server-system.js';
import { eventually } from '../kit/eventually.js';

const PYTHON = `
import sys, xmlrpc.client
server = xmlrpc.client.ServerProxy(sys.argv[1])
assert 'host.run' in server.system.listMethods()
assert server.host.run({'name': 'e1'})['state'] == 'running'
assert [a['name'] for a in server.host.applications()] == ['e1']
assert server.host.info()['port'] == int(sys.argv[1].split(':')[3].split('/')[0])
try:
    server.host.stop('e2')
    assert False
except xmlrpc.client.Fault as fault:
    assert fault.faultCode == 10 and 'known are e1' in fault.faultString
assert server.host.stop('e1')['state'] == 'stopped'
`;
import { needsPython } from '../kit/requirements.js';

function lives(pid: number | undefined): boolean {
  return isAlive({ pid: pid ?? 0, startTicks: 0n });
}

function recordedPort(system: HostServerSystem): number {
  return (JSON.parse(readFileSync(join(system.directory, 'host.json'), 'utf8')) as { port: number }).port;
}

describe('host server', () => {
  let system: HostServerSystem;
  beforeEach(() => {
    system = new HostServerSystem();
  });
  afterEach(() => system.stop());

  it('host.info describes the host server', async () => {
    const program = system.spawn();
    await program.ready();
    const call = await system.connect();
    const info = await call('host.info', []);
    expect(info).to.include({
      pid: program.pid,
      protocol: PROTOCOL_VERSION,
      directory: system.directory,
      flowDirectory: system.flowDirectory,
      port: recordedPort(system),
    });
    expect(info.version).to.match(/^\d+\.\d+\.\d+/);
  });

  it('a second host server for the same directory ends with the process id of the first, which continues', async () => {
    const first = system.spawn();
    await first.ready();
    const second = system.spawn();
    expect(await second.end()).to.equal(3);
    expect(second.errors).to.contain(`process id ${first.pid}`).and.to.contain('choose another directory');
    const call = await system.connect();
    expect((await call('host.info', [])).pid).to.equal(first.pid);
  });

  it('of several host servers that start at once for one directory, one runs', async () => {
    const programs = [system.spawn(), system.spawn(), system.spawn()];
    await eventually(() => programs.some((program) => program.logged('ready').length > 0), 'one is ready');
    const losers = programs.filter((program) => program.logged('ready').length === 0);
    expect(losers).to.have.length(2);
    expect(await Promise.all(losers.map((program) => program.end()))).to.deep.equal([3, 3]);
  });

  it('a host server takes the directory over from a killed one', async () => {
    const first = system.spawn();
    await first.ready();
    await first.kill('SIGKILL');
    const second = system.spawn();
    await second.ready();
    const call = await system.connect();
    expect((await call('host.info', [])).pid).to.equal(second.pid);
  });

  it('SIGTERM stops the applications of a host server and leaves nothing but its tokens', async () => {
    const program = system.spawn();
    await program.ready();
    const call = await system.connect();
    const { pid } = await call('host.run', [{ name: 'e1' }]);
    expect(await program.kill('SIGTERM')).to.equal(0);
    expect(lives(pid)).to.be.false;
    expect(readdirSync(system.directory).toSorted()).to.deep.equal([
      'apps',
      'host.child.token',
      'host.control.token',
      'host.read.token',
      'links',
      'logs',
    ]);
    expect(readdirSync(join(system.directory, 'apps'))).to.deep.equal([]);
  });

  for (const [how, end] of [
    ['SIGKILL', 'SIGKILL'],
    ['SIGHUP', 'SIGHUP'],
    ['host.quit(false)', undefined],
  ] as const) {
    it(`applications outlive ${how} and are adopted by the next host server`, async () => {
      const first = system.spawn();
      await first.ready();
      const before = await system.connect();
      const { pid } = await before('host.run', [{ name: 'e1', source: 'unix:/data', updateIntervalMs: 5 }]);
      if (end === undefined) expect(await before('host.quit', [])).to.be.true;
      else await first.kill(end);
      expect(lives(pid)).to.be.true;

      const second = system.spawn();
      await second.ready();
      const call = await system.connect();
      const adopted = await call('host.run', [{ name: 'e1', updateIntervalMs: 5 }]);
      expect(adopted).to.include({ pid, state: 'running', source: 'unix:/data', restarts: 0, byHand: false });

      const stopped = await call('host.stop', ['e1']);
      expect(stopped.state).to.equal('stopped');
      expect(lives(pid)).to.be.false;
    });
  }

  it('host.quit(true) answers when its applications have ended', async () => {
    const program = system.spawn();
    await program.ready();
    const call = await system.connect();
    const { pid } = await call('host.run', [{ name: 'e1' }]);
    expect(await call('host.quit', [true])).to.be.true;
    expect(lives(pid)).to.be.false;
    expect(await program.end()).to.equal(0);
  });

  it('an adopted application that is killed is restarted with its options', async () => {
    const first = system.spawn();
    await first.ready();
    const before = await system.connect();
    const { pid } = await before('host.run', [{ name: 'e1', source: 'unix:/data' }]);
    await first.kill('SIGKILL');
    await system.spawn().ready();
    const call = await system.connect();
    await call('host.run', [{ name: 'e1' }]);
    process.kill(pid ?? 0, 'SIGKILL');
    await eventually(async () => {
      const [info] = await call('host.applications', []);
      return info?.state === 'running' && info.pid !== pid;
    }, 'it runs again');
    const [info] = await call('host.applications', []);
    expect(info).to.include({ source: 'unix:/data', restarts: 1 });
  });

  it('an application killed together with its host server runs again with the next one', async () => {
    const first = system.spawn();
    await first.ready();
    const before = await system.connect();
    const { pid } = await before('host.run', [{ name: 'e1', source: 'unix:/data' }]);
    first.process.kill('SIGKILL');
    process.kill(pid ?? 0, 'SIGKILL');
    await first.end();
    await system.spawn().ready();
    const call = await system.connect();
    const again = await call('host.run', [{ name: 'e1' }]);
    expect(again).to.include({ state: 'running', source: 'unix:/data', restarts: 1 });
  });

  it('leftovers from before a reboot are removed, and a file that is no record is kept', async () => {
    const apps = join(system.directory, 'apps');
    mkdirSync(system.directory, { mode: 0o750 });
    mkdirSync(apps, { mode: 0o750 });
    const earlier = { ...identityToWire(ownIdentity()), bootId: 'an-earlier-boot' };
    writeFileSync(join(apps, 'old.json'), JSON.stringify({ ...earlier, options: { name: 'old' } }));
    await orphanedSocket(join(apps, 'old.sock'));
    writeFileSync(join(apps, 'torn.json'), '{"pid":');
    writeFileSync(join(system.directory, 'host.json'), 'not JSON');
    const program = system.spawn();
    await program.ready();
    expect(readdirSync(apps)).to.deep.equal(['torn.json']);
    const call = await system.connect();
    expect(await call('host.applications', [])).to.deep.equal([]);
  });

  it('an app server that was started by hand is listed, and not restarted when it dies', async () => {
    const first = system.spawn();
    await first.ready();
    const { directory, flowDirectory } = system;
    const words = appServerArguments({ name: 'e1', updateIntervalMs: 5 }, { directory, flowDirectory });
    const byHand = spawn(process.execPath, [STAND_IN, ...words]);
    const before = await system.connect();
    await eventually(async () => (await before('host.applications', [])).length === 1, 'it has subscribed');
    const [info] = await before('host.applications', []);
    expect(info).to.include({ state: 'running', byHand: true, pid: byHand.pid });
    expect((await before('host.run', [{ name: 'e1', updateIntervalMs: 5 }])).pid).to.equal(byHand.pid);

    await first.kill('SIGKILL');
    await system.spawn().ready();
    const call = await system.connect();
    expect(await call('host.run', [{ name: 'e1' }])).to.include({ byHand: true, pid: byHand.pid });
    byHand.kill('SIGKILL');
    await eventually(async () => {
      const [info] = await call('host.applications', []);
      return info?.state === 'failed';
    }, 'its death is seen');
    expect((await call('host.applications', []))[0]).to.include({ restarts: 0 });
    expect(readdirSync(join(system.directory, 'apps'))).to.deep.equal([]);
  });

  it('subscriptions of no child, a second app server of a name, another version, a dead process, and over HTTP are refused', async () => {
    await system.spawn().ready();
    const call = await system.connect();
    await call('host.run', [{ name: 'e1' }]);
    const child = await system.connect('child');
    const ready = {
      version: PROTOCOL_VERSION,
      identity: identityToWire(ownIdentity()),
      name: 'e1',
      socket: '/nowhere',
      port: 1,
    };
    const refusal = async (promise: Promise<unknown>): Promise<string> =>
      promise.then(
        () => 'nothing',
        (error: MirrorflowError) => error.code,
      );
    expect(await refusal(call('host.subscribe', [ready]))).to.equal('NOT_PERMITTED');
    expect(await refusal(child('host.subscribe', [ready]))).to.equal('APPLICATION_EXISTS');
    expect(await refusal(child('host.subscribe', [{ ...ready, name: 'e2', version: 99 }]))).to.equal(
      'VERSION_MISMATCH',
    );
    const dead = { ...ready.identity, startTicks: ready.identity.startTicks + 1 };
    expect(await refusal(child('host.subscribe', [{ ...ready, name: 'e2', identity: dead }]))).to.equal(
      'REFUSED',
    );
    const client = new HttpRpcClient(
      { host: '127.0.0.1', port: recordedPort(system) },
      { token: system.token() },
    );
    const overHttp = callerOf(CONTRACT, client);
    expect(await refusal(overHttp('host.subscribe', [ready]))).to.equal('NOT_PERMITTED');
    expect(await refusal(overHttp('child.prove', [system.token('child')]))).to.equal('REFUSED');
    client.close();
    expect((await call('host.applications', [])).map(({ name }) => name)).to.deep.equal(['e1']);
  });

  it('a host server starts the applications of its configuration', async () => {
    const file = join(system.root, 'mirrorflow.json');
    writeFileSync(
      file,
      JSON.stringify({ applications: [{ name: 'e1', source: 'unix:/data', lingerMs: 3 }] }),
    );
    await system.spawn(['--config', file]).ready();
    const call = await system.connect();
    const [info] = await call('host.applications', []);
    expect(info).to.include({ name: 'e1', state: 'running', configured: true, source: 'unix:/data' });
  });

  it('a bad configuration ends the start with the file, the key, the value and what is allowed', async () => {
    const file = join(system.root, 'mirrorflow.json');
    writeFileSync(file, JSON.stringify({ applications: [{ name: 'a', port: -1 }], colour: 1 }));
    const program = system.spawn(['--config', file]);
    expect(await program.end()).to.equal(2);
    expect(program.errors).to.contain(file).and.to.contain('colour is not known');
    expect(program.errors).to.match(/applications\[0\]\.port must be .*0 to 65535\), and is -1/);
    expect(existsSync(system.directory)).to.be.false;
  });

  it('a bad option ends the start with exit code 2 and what is right', async () => {
    for (const [args, words] of [
      [['--listen', 'tcp://0.0.0.0:0'], 'listening for other machines requires a shared secret'],
      [['--listen', '7390'], 'is not a valid address'],
      [['--frobnicate'], 'Unknown argument: frobnicate'],
      [['--scope', 'galaxy'], 'Invalid values'],
      [['--directory', 'relative'], 'must be an absolute path'],
      [['--config', '/nonexistent/file'], 'cannot be read'],
      [['surplus'], 'surplus'],
    ] as const) {
      const program = system.spawn(args);
      expect(await program.end(), args.join(' ')).to.equal(2);
      expect(program.errors).to.contain(words);
    }
  });

  it('a port that is in use ends the start with its address, and leaves nothing behind', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => {
      other.once('listening', resolve);
    });
    const { port } = other.address() as AddressInfo;
    const program = system.spawn(['--listen', `tcp://127.0.0.1:${port}`]);
    expect(await program.end()).to.equal(1);
    expect(program.errors)
      .to.contain(`cannot listen on tcp://127.0.0.1:${port}`)
      .and.to.contain('another program listens there');
    other.close();
    expect(readdirSync(system.directory).toSorted()).to.deep.equal(['apps', 'links', 'logs']);
  });

  it('systemd is notified of readiness, the state of applications, life and end', async () => {
    const path = join(system.root, 'notify');
    const notices: string[] = [];
    const systemd = new UnixDatagramSocket((bytes) => void notices.push(bytes.toString()));
    systemd.bind(path);
    try {
      const file = join(system.root, 'mirrorflow.json');
      writeFileSync(file, JSON.stringify({ applications: [{ name: 'e1' }, { name: 'fails' }] }));
      const program = system.spawn(['--config', file], { NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' });
      await eventually(() => notices.filter((text) => text === 'WATCHDOG=1').length >= 2, 'it pings twice');
      const ready = notices.findIndex((text) => text.startsWith('READY=1'));
      expect(notices[ready]).to.equal('READY=1\nSTATUS=2 applications: 1 running, 1 failed');
      expect(notices.slice(0, ready)).to.include('STATUS=2 applications: 2 starting');
      expect(notices.indexOf('WATCHDOG=1')).to.be.greaterThan(ready);
      expect(await program.kill('SIGTERM')).to.equal(0);
      await eventually(() => notices.includes('STOPPING=1'), 'STOPPING is sent');
      expect(notices.slice(notices.indexOf('STOPPING=1'))).not.to.include('WATCHDOG=1');
    } finally {
      systemd.close();
    }
  });

  it("Python's xmlrpc.client discovers and runs applications", async function () {
    needsPython(this, 'xmlrpc.client');
    await system.spawn().ready();
    const url = `http://mirrorflow:${system.token()}@127.0.0.1:${recordedPort(system)}/RPC2`;
    await promisify(execFile)('python3', ['-c', PYTHON, url]);
  });

  it('--help and --version are printed', async () => {
    const help = spawnSync(process.execPath, [PROGRAM, '--help'], { encoding: 'utf8' });
    expect(help.status).to.equal(0);
    expect(help.stdout).to.contain('--config').and.to.contain('SIGHUP');
    expect(help.stdout).not.to.contain('--app-server');
    const version = spawnSync(process.execPath, [PROGRAM, '--version'], { encoding: 'utf8' });
    expect(version.stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });
});

/** Leaves a socket file without a server: closing the server removes only its other name. */
async function orphanedSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(`${path}.x`, resolve);
  });
  linkSync(`${path}.x`, path);
  await new Promise((resolve) => {
    server.close(resolve);
  });
}
