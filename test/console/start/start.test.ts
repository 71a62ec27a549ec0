/**
 * `mirrorflow start` from its spawn to its end, with nothing left behind; and with deaths in
 * between.
 */
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { describeRecording, recordingPaths } from '../../../recorder/read/verify.js';
import { ConsoleSystem, type RunningCommand } from '../system.js';
import { eventually } from '../../kit/eventually.js';

interface Ready {
  readonly source: string;
  readonly simulator: boolean;
  readonly spectra: number;
  readonly memoryBytes: number;
  readonly image: string;
  readonly recordings: string;
  readonly hostServer: { readonly pid: number; readonly own: boolean };
}

interface Recorded {
  readonly recorder?: { readonly state: string; readonly directory: string };
}

async function ready(command: RunningCommand): Promise<Ready> {
  await command.prints('\n');
  return JSON.parse(command.stdout) as Ready;
}

describe('mirrorflow start', () => {
  let system: ConsoleSystem;

  beforeEach(() => {
    system = new ConsoleSystem();
  });

  afterEach(async () => {
    await system.close();
  });

  it('start mirrors the simulator and leaves nothing behind after SIGTERM', async () => {
    const command = system.spawn(['start']);
    await command.prints('live');
    expect(command.stdout)
      .to.contain('simulator')
      .and.to.match(/11 in [\d.]+ MiB/);
    expect(command.stdout.match(/npx mirrorflow/g)).to.have.length(3);
    expect((await system.run('spectra')).stdout).to.contain('ge.00.Co-60');
    command.child.kill('SIGTERM');
    const { exit, stderr } = await command.ended;
    expect([exit, stderr]).to.deep.equal([0, '']);
    expect(system.processes()).to.deep.equal([]);
    expect(system.leftovers()).to.deep.equal([]);
  });

  it('start --json prints one line when the mirror is ready', async () => {
    const command = system.spawn(['start', '--json', '--app', 'e1', '--update-interval', '50']);
    const facts = await ready(command);
    expect(facts).to.include({
      ready: true,
      app: 'e1',
      simulator: true,
      spectra: 11,
      directory: system.directory,
    });
    expect(facts.hostServer.own).to.equal(true);
    expect(readdirSync(`${system.flowDirectory}/e1`)).to.include('spectra.image');
    command.child.kill('SIGINT');
    const { exit, stdout } = await command.ended;
    expect(exit).to.equal(0);
    expect(stdout.trimEnd().split('\n')).to.have.length(1);
  });

  it('start --record DIRECTORY records the mirror at once and closes the file at its end', async () => {
    const recordings = join(system.root, 'tonight');
    const command = system.spawn(['start', '--update-interval', '50', '--record', recordings]);
    await command.prints(`recorded     into ${recordings}`);
    const path = await eventually(() => recordingPaths(recordings)[0], 'a file');
    await eventually(() => describeRecording(path).messages > 0, 'a publication is in the file');
    const { pid } = await system.json<{ pid: number }>('host');
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')).to.include(
      `MIRRORFLOW_RECORDINGS=${recordings}`,
    );
    command.child.kill('SIGTERM');
    expect((await command.ended).exit).to.equal(0);
    expect(command.stdout).to.contain(`Recorded ${path}.`);
    const { status, flows } = describeRecording(path);
    expect(status).to.equal('finished');
    expect(flows.map(({ flow, kind }) => [flow, kind])).to.deep.include(['spectra', 'mirror']);
    rmSync(recordings, { recursive: true });
    expect(system.processes()).to.deep.equal([]);
  });

  it('start --record without a directory starts the recorder of the application', async () => {
    const command = system.spawn(['start', '--json', '--record', '--app', 'e1']);
    const { recordings } = await ready(command);
    const apps = await eventually(async () => {
      const listed = await system.json<Recorded[]>('apps');
      return listed[0]?.recorder?.state === 'recording' ? listed : undefined;
    }, 'it records');
    expect(apps[0]?.recorder?.directory).to.equal(recordings);
    expect(recordings).to.match(/mirrorflow\/recordings\/e1$/);
    command.child.kill('SIGTERM');
    expect((await command.ended).exit).to.equal(0);
    expect(describeRecording(recordingPaths(recordings)[0] ?? '').status).to.equal('finished');
    expect(system.processes()).to.deep.equal([]);
    expect((await system.run('start', '--record', '/tmp/a:b')).exit).to.equal(2);
  });

  it('start uses a running host server and leaves it running', async () => {
    const { address } = await system.simulator();
    const other = await system.simulator();
    const { pid } = await system.json<{ pid: number }>('host', 'start');
    await system.json('run', 'other', '--spectcl', other.address);
    const command = system.spawn(['start', '--json', '--spectcl', address]);
    const facts = await ready(command);
    expect(facts.hostServer).to.deep.equal({ pid, own: false });
    expect(facts.simulator).to.equal(false);
    command.child.kill('SIGTERM');
    expect((await command.ended).exit).to.equal(0);
    const apps = await system.json<{ name: string; state: string }[]>('apps');
    expect(apps.map(({ name, state }) => [name, state])).to.deep.equal([
      ['demo', 'stopped'],
      ['other', 'running'],
    ]);
  });

  it('start reports why a SpecTcl cannot be mirrored and leaves nothing behind', async () => {
    const { exit, stderr } = await system.run('start', '--spectcl', 'spectcl://127.0.0.1?rest=1&mirror=2');
    expect(exit).to.equal(1);
    expect(stderr).to.match(/^mirrorflow: /);
    expect(system.processes()).to.deep.equal([]);
    expect((await system.run('start', '--spectcl', 'nonsense')).exit).to.equal(2);
  });

  it('start reports the death of its simulator and still stops in order', async () => {
    const command = system.spawn(['start']);
    await command.prints('live');
    const simulator = system.processes().find(({ line }) => /simulator(\/main\.js|\.cjs)/.test(line));
    process.kill(simulator!.pid, 'SIGKILL');
    await command.prints('The simulator has stopped (SIGKILL)');
    await command.prints('The mirror is stale');
    command.child.kill('SIGTERM');
    expect((await command.ended).exit).to.equal(0);
    expect(system.processes()).to.deep.equal([]);
  });

  it('start restarts its host server after its death and still stops everything', async () => {
    const command = system.spawn(['start']);
    await command.prints('live');
    const { pid } = await system.json<{ pid: number }>('host');
    process.kill(pid, 'SIGKILL');
    await command.prints('it is restarted');
    await eventually(async () => {
      const { stdout } = await system.run('apps', '--json');
      return stdout.includes('"running"');
    }, 'the new host server has adopted the application');
    command.child.kill('SIGTERM');
    expect((await command.ended).exit).to.equal(0);
    expect(system.processes()).to.deep.equal([]);
    expect(system.leftovers()).to.deep.equal([]);
  });

  it('a killed start takes its simulator with it and the next start takes over the rest', async () => {
    const command = system.spawn(['start', '--json']);
    const first = await ready(command);
    command.child.kill('SIGKILL');
    await command.ended;
    await eventually(
      () => system.processes().every(({ line }) => !/simulator(\/main\.js|\.cjs)/.test(line)),
      'the simulator has exited',
    );
    const second = await ready(system.spawn(['start', '--json']));
    expect(second.source).to.not.equal(first.source);
    expect(second.hostServer).to.deep.equal({ pid: first.hostServer.pid, own: false });
  });

  it('start uses a free port when the default port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const command = system.spawn(['start', '--json'], { MIRRORFLOW_PORT: String(port) });
    await ready(command);
    other.close();
    expect((await system.json<{ port: number }>('host')).port)
      .to.be.above(0)
      .and.to.not.equal(port);
  });

  it('start stops in order when it is interrupted before it is ready', async () => {
    const command = system.spawn(['start', '--json']);
    await eventually(async () => (await system.run('host')).exit === 0, 'its host server answers');
    command.child.kill('SIGINT');
    expect((await command.ended).exit).to.equal(0);
    expect(system.processes()).to.deep.equal([]);
  });
});
