/**
 * Tests what a client asks of its app server about the network of an application: statistics,
 * providers and consumers, requests to quit, registered programs. Real processes.
 */
import { expect } from 'chai';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, OutputFlow } from '../../../client-lib/index.js';
import { RunningApplication } from '../running-application.js';
import { eventually } from '../../kit/eventually.js';
import { failureOf } from '../../kit/failure-of.js';
import { kill } from '../../app-server/app-server-system.js';

describe('the network of an application', () => {
  let application: RunningApplication;
  let scratch: string;

  beforeEach(() => {
    application = new RunningApplication();
    scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${application.system.logs()}\n`);
    await application.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function startWithFullHistory(): Promise<{ run: Client; viewer: Client; out: OutputFlow }> {
    await application.start();
    const run = await application.connect('run');
    const viewer = await application.connect('viewer');
    const out = await run.openOutput('events', { bufferSize: 64, buffers: 16 });
    const flow = await viewer.openInput('events', { history: 8 });
    for (let count = 0; count < 10; count += 1) await out.write(new Uint8Array(50));
    for (let count = 0; count < 4; count += 1) await flow.take();
    await eventually(() => flow.ready === 6, 'the history is full');
    return { run, viewer, out };
  }

  it('statistics of each client and flow are collected when they are requested', async () => {
    const { run } = await startWithFullHistory();
    const { clients, flows } = await run.applicationStatistics();
    expect(clients.map(({ name, answered }) => [name, answered])).to.deep.equal([
      ['run', true],
      ['viewer', true],
    ]);
    const [provides] = clients[0]!.flows;
    expect(provides).to.include({
      flow: 'events',
      direction: 'output',
      buffers: 10,
      bytes: 500,
      lost: 0,
      queued: 0,
    });
    const [consumes] = clients[1]!.flows;
    expect(consumes).to.include({
      flow: 'events',
      direction: 'input',
      buffers: 4,
      bytes: 200,
      lost: 0,
      ready: 6,
    });
    expect(consumes).to.include({ capacity: 8, delivery: 'lossless', paused: false, holding: false });
    expect((consumes?.acknowledged ?? 0) + (consumes?.lag ?? 0)).to.equal(10);
    expect(flows).to.have.length(1);
    expect(flows[0]).to.include({ flow: 'events', state: 'running', answered: true });
    expect(flows[0]!.links.map(({ client, role }) => `${client} ${role}`)).to.have.members([
      'run provider',
      'viewer consumer',
    ]);
    await eventually(async () => {
      const again = await run.applicationStatistics();
      return again.clients[0]?.flows[0]?.buffersPerSecond !== undefined;
    }, 'rates');
  });

  it('statistics of one client are available by name and over HTTP; a client that does not answer is marked', async () => {
    const { run } = await startWithFullHistory();
    const { call } = await application.overHttp('console');
    const [viewer] = await call('client.statistics', ['viewer']);
    expect(viewer).to.include({ name: 'viewer', answered: true });
    expect(await failureOf(call('client.statistics', ['absent']))).to.include({ code: 'UNKNOWN_CLIENT' });
    await application.system.client('mute');
    const [mute] = await call('client.statistics', ['mute']);
    expect(mute).to.include({ name: 'mute', answered: false });
    const pid = (await run.flows())[0]?.pid ?? 0;
    kill(pid, 'SIGSTOP');
    try {
      const { flows } = await call('app.statistics', []);
      expect(flows[0]).to.include({ flow: 'events', answered: false });
      expect(flows[0]?.counters).to.have.property('publishedBytes');
    } finally {
      kill(pid, 'SIGCONT');
    }
  });

  it('statistics name their clients again after the app server was killed and restarted', async () => {
    const { run, viewer } = await startWithFullHistory();
    process.kill(application.system.record()?.pid ?? 0, 'SIGKILL');
    await eventually(() => !run.connected && !viewer.connected, 'the clients are disconnected');
    await application.start();
    await eventually(async () => {
      if (!run.connected || !viewer.connected) return false;
      const { flows } = await run.applicationStatistics();
      return flows[0]?.answered === true;
    }, 'the clients are reconnected');
    const { flows, clients } = await run.applicationStatistics();
    expect(flows[0]!.links.map(({ client }) => client)).to.have.members(['run', 'viewer']);
    expect(clients.find(({ name }) => name === 'viewer')?.flows[0]).to.include({ buffers: 4, ready: 6 });
  });

  it('network status names providers, consumers, and the consumers that hold a provider back', async () => {
    const { run, out } = await startWithFullHistory();
    const slow = await application.connect('slow');
    (await slow.openInput('events', { history: 1 })).pause();
    await eventually(async () => {
      if (out.free > 0) await out.write(new Uint8Array(50));
      return out.free === 0;
    }, 'the ring is full');
    const status = await run.network();
    expect(status).to.include({ application: 'e1' });
    expect(
      status.clients.map(({ name, provides, consumes }) => ({ name, provides, consumes })),
    ).to.deep.equal([
      { name: 'run', provides: ['events'], consumes: [] },
      { name: 'viewer', provides: [], consumes: ['events'] },
      { name: 'slow', provides: [], consumes: ['events'] },
    ]);
    const [flow] = status.flows;
    expect(flow).to.include({ flow: 'events', provider: 'run', state: 'running', answered: true });
    expect(flow?.consumers).to.deep.equal(['viewer', 'slow']);
    expect(flow?.holding).to.include('slow');
    expect(flow?.duplicator).to.be.a('number');
  });

  it('a client that is requested to quit emits quit, and closes without a listener', async () => {
    await application.start();
    const run = await application.connect('run');
    const polite = await application.connect('polite');
    await application.connect('plain');
    let asked = 0;
    polite.on('quit', () => {
      asked += 1;
    });
    expect(await run.requestQuit('polite')).to.equal(1);
    await eventually(() => asked === 1, 'the request arrives');
    expect(polite.connected).to.equal(true);
    await run.requestQuit('plain');
    await eventually(
      async () => !(await run.clients()).some(({ name }) => name === 'plain'),
      'the client has closed',
    );
    expect(await failureOf(run.requestQuit('plain'))).to.include({ code: 'UNKNOWN_CLIENT' });
    const { call, token } = await application.overHttp('http');
    expect(await run.requestQuit('http')).to.equal(1);
    expect(await call('client.poll', [token])).to.deep.equal([{ kind: 'quit' }]);
  });

  it('a registered program is started apart from the app server, with the name of the application', async () => {
    const file = join(scratch, 'ran');
    const script = `require('node:fs').writeFileSync(process.argv[1], process.env.MIRRORFLOW_APPLICATION + ' ' + process.argv[2]); process.exit(7)`;
    const programs = {
      viewer: { command: process.execPath, args: ['-e', script, file, '$HOME; exit'] },
      missing: { command: join(scratch, 'nothing') },
    };
    const server = await application.start({ programs });
    const run = await application.connect('run');
    expect((await run.programs()).map(({ name }) => name)).to.deep.equal(['viewer', 'missing']);
    const pid = await run.runProgram('viewer');
    expect(pid).to.be.greaterThan(0);
    await eventually(() => existsSync(file) && readFileSync(file, 'utf8').length > 0, 'the program has run');
    expect(readFileSync(file, 'utf8')).to.equal('e1 $HOME; exit');
    await eventually(() => server.errors.includes('exit code 7'), 'its exit is logged');
    const unknown = await failureOf(run.runProgram('other'));
    expect(unknown).to.include({ code: 'UNKNOWN_PROGRAM' });
    expect(unknown.message).to.include('registered are: missing, viewer');
    expect(await failureOf(run.runProgram('missing'))).to.include({ code: 'START_FAILED' });
    expect((await run.programs()).map(({ running }) => running)).to.deep.equal([0, 0]);
  });

  it('an app server with an invalid list of programs does not start', async () => {
    for (const programs of [
      '{',
      '[]',
      '{"a":{"command":"ls"}}',
      '{"../a":{"command":"/bin/ls"}}',
      '{"a":{"command":"/bin/ls","shell":true}}',
    ]) {
      const server = application.system.spawn({}, 'e1', {}, ['--options', `{"programs":${programs}}`]);
      expect(await server.end(), programs).to.equal(2);
      expect(server.errors, programs).to.match(/^app-server: .+ \(--help lists the options\)\n$/);
    }
  });
});
