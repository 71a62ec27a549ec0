/**
 * Tests the commands of the console against a running host server and simulator. Starts
 * `mirrorflow` as a process for each command.
 */
import { expect } from 'chai';
import { connect } from '../../../client-lib/index.js';
import type { Simulator } from '../../../simulator/simulator.js';
import type { SpectrumRecord } from '../../../console/spectrum-record.js';
import { ConsoleSystem } from '../system.js';

describe('the commands', () => {
  let system: ConsoleSystem;
  let simulator: Simulator;

  before(async () => {
    system = new ConsoleSystem();
    simulator = await system.simulator();
    await system.json('host', 'start');
    await system.json(
      'run',
      'e1',
      '--spectcl',
      simulator.address,
      '--ring-bytes',
      '64MiB',
      '--linger',
      '60000',
    );
  });

  after(async () => {
    await system.close();
  });

  it('apps: shows state, source and process', async () => {
    const [app, ...others] = await system.json<Record<string, unknown>[]>('apps');
    expect(others).to.deep.equal([]);
    expect(app).to.include({ name: 'e1', state: 'running', source: simulator.address, restarts: 0 });
    expect(app?.['pid']).to.be.a('number');
    expect((await system.run('apps')).stdout).to.match(/^host +name +state .*\n +- +e1 +running /);
  });

  it('run: accepts a running application and refuses it with another source', async () => {
    expect((await system.run('run', 'e1', '--spectcl', simulator.address)).exit).to.equal(0);
    const other = await system.run('run', 'e1', '--spectcl', 'spectcl://127.0.0.1?rest=1&mirror=2');
    expect(other.exit).to.equal(1);
    expect(other.stderr).to.contain('other options');
  });

  it('run: refuses invalid names, addresses and numbers before it asks a server', async () => {
    for (const words of [
      ['run', '/etc'],
      ['run', 'e2', '--spectcl', 'http://daq'],
      ['run', 'e2', '--linger', 'long'],
      ['run', 'e2', '--ring-bytes', '4GiB'],
    ]) {
      expect((await system.run(...words)).exit, words.join(' ')).to.equal(2);
    }
  });

  it('spectra: lists the spectra of the only application as JSON', async () => {
    const spectra = await system.json<SpectrumRecord[]>('spectra');
    const keys = ['name', 'slot', 'type', 'xchans', 'ychans', 'xmin', 'xmax', 'ymin', 'ymax', 'xlabel', 'ylabel', 'sum', 'overflows', 'underflows']; // prettier-ignore
    for (const spectrum of spectra) expect(spectrum).to.have.all.keys(keys);
    const cobalt = spectra.find(({ name }) => name === 'ge.00.Co-60');
    expect(cobalt).to.include({ type: '1D long', xchans: 4098, ychans: 1, xmin: 0, xmax: 2048 });
    expect(cobalt?.overflows).to.have.length(2);
  });

  it('spectra: lists the spectra that match a pattern as a table', async () => {
    const { stdout } = await system.run('spectra', 'ge.*', '--app', 'e1');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).to.have.length(5);
    expect(lines[0]).to.match(/^name +slot +type/);
    expect(lines[1]).to.match(/^ge\.00\.Co-60 /);
    expect(await system.json('spectra', 'nothing*')).to.deep.equal([]);
  });

  it('show: plots a spectrum of one and of two dimensions', async () => {
    const one = await system.run('show', 'ge.00.Co-60', '--height', '10', '--width', '90');
    expect(one.stdout.trimEnd().split('\n')).to.have.length(10);
    expect(one.stdout).to.match(/^ge\.00\.Co-60 +sum [\d,]+ +max /);
    const two = await system.run('show', 'pid.de-vs-e', '--height', '12');
    expect(two.stdout).to.contain('pid.de-vs-e');
    expect((await system.run('show', 'tof', '--range', '-10:20', '--scale', 'log')).exit).to.equal(0);
  });

  it('show --json: prints the counts of one publication', async () => {
    const spectrum = await system.json<SpectrumRecord & { counts: number[]; state: string; sequence: number }>('show', 'ge.00.Co-60'); // prettier-ignore
    expect(spectrum).to.include({ name: 'ge.00.Co-60', state: 'live' });
    expect(spectrum.counts).to.have.length(spectrum.xchans);
    let sum = 0;
    for (const count of spectrum.counts) sum += count;
    expect(sum).to.equal(spectrum.sum);
  });

  it('show: suggests the closest spectrum for an unknown name', async () => {
    const { exit, stderr } = await system.run('show', 'ge.00.Co60');
    expect(exit).to.equal(4);
    expect(stderr).to.contain('did you mean ge.00.Co-60?');
    expect((await system.run('show', 'x', '--watch')).exit).to.equal(4);
  });

  it('show --watch: prints new publications until Ctrl-C, with exit code 0', async () => {
    const command = system.spawn(['show', 'scalers', '--watch', '--interval', '20', '--json']);
    await command.prints(/\n.*\n/);
    command.child.kill('SIGINT');
    const { exit, stdout } = await command.ended;
    expect(exit).to.equal(0);
    const records = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { sequence: number }); // prettier-ignore
    expect(records[1]?.sequence).to.be.above(records[0]?.sequence ?? Number.NaN);
  });

  it('show --watch: ends silently when its reader closes the pipe', async () => {
    const command = system.spawn(['show', 'ge.00.Co-60', '--watch', '--interval', '20']);
    await command.prints('ge.00.Co-60');
    command.child.stdout.destroy();
    const { exit, stderr } = await command.ended;
    expect([exit, stderr]).to.deep.equal([0, '']);
  });

  it('stats: prints counters and their rates between two samples', async () => {
    const stats = await system.json<Record<string, unknown>>('stats', 'spectra', '--interval', '300');
    expect(stats).to.include({ app: 'e1', flow: 'spectra' });
    expect(stats['counters']).to.include.keys('published', 'updates', 'clients');
    expect(stats['rates']).to.have.property('updates').that.is.above(0);
    const { stdout } = await system.run('stats', '--interval', '50');
    expect(stdout).to.match(/^published .*buffers published/m);
  });

  it('stats: reports an unknown flow with exit code 4', async () => {
    const { exit, stderr } = await system.run('stats', 'nothing');
    expect(exit).to.equal(4);
    expect(stderr).to.contain('nothing');
  });

  it('stats --watch --json: prints a line of JSON per sample', async () => {
    const command = system.spawn(['stats', '--watch', '--interval', '50', '--json']);
    await command.prints(/\n.*\n/);
    command.child.kill('SIGTERM');
    const { exit, stdout } = await command.ended;
    expect(exit).to.equal(0);
    for (const line of stdout.trimEnd().split('\n')) expect(JSON.parse(line)).to.have.property('rates');
  });

  it('flows and clients: list those of all applications or of one', async () => {
    for (const words of [['flows'], ['flows', '--app', 'e1']]) {
      const [flow] = await system.json<Record<string, unknown>[]>(...words);
      expect(flow).to.include({
        app: 'e1',
        flow: 'spectra',
        type: 'spectra',
        state: 'running',
        sourceState: 'live',
      });
    }
    const clients = await system.json<Record<string, unknown>[]>('clients');
    expect(clients.map(({ app, name }) => [app, name])).to.deep.equal([['e1', 'console']]);
    expect((await system.run('flows', '--app', 'unknown')).exit).to.equal(4);
  });

  it('flows --consumers: lists lag, missed buffers and back-pressure of every consumer', async () => {
    const program = await connect({ app: 'e1', name: 'reader', directory: system.directory });
    await program.openInput('spectra', { inline: true });
    const consumers = await system.json<Record<string, unknown>[]>('flows', '--consumers');
    expect(consumers.find(({ client }) => client === 'reader')).to.include({
      app: 'e1',
      flow: 'spectra',
      delivery: 'lossy',
      missed: 0,
      holding: false,
      pid: process.pid,
    });
    const { stdout } = await system.run('flows', '--consumers', '--app', 'e1');
    expect(stdout)
      .to.match(/consumer .*missed/)
      .and.match(/reader .*lossy/);
    expect((await system.run('flows', '--consumers', '--all')).exit).to.equal(2);
    await program.close();
  });

  it('without --app a command is refused when several applications run', async () => {
    const another = await system.simulator();
    await system.json('run', 'e2', '--spectcl', another.address);
    const { exit, stderr } = await system.run('spectra');
    expect(exit).to.equal(2);
    expect(stderr).to.contain('e1, e2').and.to.contain('--app');
    expect(await system.json('spectra', '--app', 'e2')).to.have.length.above(5);
    expect((await system.json<object[]>('flows')).length).to.equal(2);
    expect((await system.json<{ state: string }>('stop', 'e2')).state).to.equal('stopped');
    expect((await system.run('stop', 'unknown')).exit).to.equal(4);
  });

  it('console: runs the lines of a pipe and ends with the exit code of the last that failed', async () => {
    const input = '# a comment\napps\nshow nothing\nnonsense\n\nversion\n';
    const { exit, stdout, stderr } = await system.feed(input, 'console');
    expect(exit).to.equal(2);
    expect(stdout).to.match(/^host +name +state/);
    expect(stdout.trimEnd()).to.match(/\n\d+\.\d+\.\d+$/);
    expect(stderr).to.contain('there is no spectrum "nothing"').and.to.contain('no command "nonsense"');
    expect(stdout).to.not.contain('mirrorflow>');
  });

  it('console: ends at exit, and its global options apply to its commands', async () => {
    const { exit, stdout } = await system.feed('apps\nexit\nnonsense\n', 'console', '--json');
    expect(exit).to.equal(0);
    expect(JSON.parse(stdout)).to.be.an('array');
    const nested = await system.feed('console\n', 'console');
    expect(nested.stderr).to.contain('console cannot be started at its own prompt');
    expect((await system.feed('show "x\n', 'console')).exit).to.equal(2);
  });

  it('install: prints and writes the unit for the scopes user and system', async () => {
    const { exit, stdout } = await system.run('install', '--scope', 'system', '--user', 'daq', '--print');
    expect(exit).to.equal(0);
    expect(stdout).to.contain('[Service]').and.to.contain('User=daq');
    expect(stdout).to.match(/host-server(\/main\.js|\.cjs)/);
    expect((await system.run('install', '--user', 'daq', '--print')).exit).to.equal(2);
    const written = await system.json<{ outcome: string; path: string }>('install');
    expect(written.outcome).to.equal('written');
    expect(written.path).to.contain(system.root);
    expect((await system.json<{ outcome: string }>('install')).outcome).to.equal('unchanged');
  });

  it('version and info: print version and directories', async () => {
    expect((await system.run('version')).stdout).to.match(/^\d+\.\d+\.\d+\n$/);
    expect((await system.run('--version')).stdout).to.match(/^\d+\.\d+\.\d+\n$/);
    expect(await system.json('info')).to.have.nested.property('hostServer.directory', system.directory);
  });

  it('errors go to standard error and not to standard output', async () => {
    const { stdout, stderr } = await system.run('nonsense', '--json');
    expect(stdout).to.equal('');
    expect(JSON.parse(stderr)).to.have.nested.property('error.code', 'BAD_OPTION');
  });

  it('spectra: notes that the source is stale and lists its last data', async () => {
    await simulator.close();
    let result = await system.run('spectra');
    while (result.stderr === '') result = await system.run('spectra');
    expect(result.exit).to.equal(0);
    expect(result.stderr).to.contain('the source is stale');
    expect(result.stdout).to.contain('ge.00.Co-60');
    expect((await system.run('show', 'ge.00.Co-60')).stdout).to.match(/^\[STALE\]/);
  });
});
