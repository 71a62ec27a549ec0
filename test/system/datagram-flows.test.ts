/**
 * Flows whose counts travel over datagrams, with real processes that are killed, stopped and cut
 * off: lossless consumers lose nothing, and no wake-up is lost.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { expect } from 'chai';
import { datagramSocketPath } from '../../protocol/base/paths.js';
import { failureOf } from '../kit/failure-of.js';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';
import { NumberedFlow } from './numbered-flow.js';
import { APP, FLOW, expectIntact } from './system-with-flow.js';

/** Code and message. */
async function errorOf(promise: Promise<unknown>): Promise<string> {
  const { code, message } = await failureOf(promise);
  return `${code} ${message}`;
}

const SMALL = { bufferSize: 64, buffers: 8 } as const;

describe('flows with datagrams', function () {
  let system: RealSystem;
  let running: NumberedFlow | undefined;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost(APP);
  });

  afterEach(async function () {
    await running?.kill();
    running = undefined;
    await system.stop(this.currentTest?.state === 'failed');
  });

  const clientSockets = (): string[] =>
    readdirSync(join(system.directory, 'links')).filter((name) => name.startsWith('client.'));

  function datagramFlow(): NumberedFlow {
    return (running = new NumberedFlow(system, APP, FLOW, 1024, 64, 4, 'datagram'));
  }

  /** Consumers open a flow that exists. */
  const provides = (provided: NumberedFlow): Promise<unknown> =>
    eventually(() => provided.published > 0, 'the provider publishes');

  it('lossless and lossy consumers over datagrams get every buffer, and each program has one socket', async () => {
    const flow = datagramFlow();
    flow.startProvider();
    await provides(flow);
    for (const name of ['one', 'two']) flow.consumer(name).program.start();
    flow.consumer('lossy', 'lossy').program.start();
    await flow.resumed();
    expect(existsSync(datagramSocketPath(system.directory, APP, FLOW))).to.equal(true);
    expect(clientSockets()).to.have.length(4);
    await expectIntact(flow);
    await eventually(() => clientSockets().length === 0, 'the sockets of killed programs are removed');
  });

  it('killed consumers, duplicators and providers over datagrams lose nothing', async () => {
    const flow = datagramFlow();
    flow.startProvider();
    await provides(flow);
    const [one, other] = [flow.consumer('one'), flow.consumer('other')];
    for (const { program } of [one, other]) program.start();
    await flow.resumed();
    const client = await system.client(APP);
    for (let kills = 0; kills < 3; kills += 1) {
      await one.killAndRestart();
      await flow.resumed([other]);
      const pid = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator runs');
      process.kill(pid, 'SIGKILL');
      await eventually(async () => {
        const now = await system.duplicatorPid(client, FLOW);
        return now !== undefined && now !== pid;
      }, 'another duplicator runs');
      await flow.resumed();
      await flow.restartProvider();
      await flow.resumed();
    }
    await client.close();
    await expectIntact(flow);
  });

  it('a stopped duplicator, whose queue of datagrams is full, and stopped consumers lose no wake-up', async () => {
    const flow = datagramFlow();
    flow.startProvider();
    await provides(flow);
    const readers = Array.from({ length: 6 }, (_, index) => flow.consumer(`reader-${index}`));
    for (const { program } of readers) program.start();
    await flow.resumed();
    const client = await system.client(APP);
    const duplicator = await eventually(() => system.duplicatorPid(client, FLOW), 'a duplicator runs');
    process.kill(duplicator, 'SIGSTOP');
    let before = -1;
    const { ledger } = flow;
    await eventually(async () => {
      const { sent } = ledger.totals;
      const still = sent === before;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return still;
    }, 'the provider has used its credit');
    process.kill(duplicator, 'SIGCONT');
    await flow.resumed();
    process.kill(readers[0]!.program.pid!, 'SIGSTOP');
    await eventually(async () => {
      const [info] = await client.flows();
      return (info?.holding?.length ?? 0) > 0;
    }, 'the stopped consumer holds the flow back');
    process.kill(readers[0]!.program.pid!, 'SIGCONT');
    await flow.resumed();
    await client.close();
    await expectIntact(flow);
  });

  it('a removed runtime directory takes the sockets of datagrams with it, and the flow continues', async () => {
    const flow = datagramFlow();
    flow.startProvider();
    await provides(flow);
    flow.consumer('one').program.start();
    await flow.resumed();
    const links = join(system.directory, 'links');
    for (const name of readdirSync(links)) rmSync(join(links, name), { force: true });
    await eventually(
      () => existsSync(datagramSocketPath(system.directory, APP, FLOW)) && clientSockets().length === 2,
      'all sockets are back',
    );
    await flow.resumed();
    await expectIntact(flow);
  });

  it('one client has one socket for all its flows, and an opening without datagrams is by its reason', async () => {
    const client = await system.client(APP);
    const outputs = [];
    for (const name of ['a', 'b', 'c'])
      outputs.push(await client.openOutput(name, { ...SMALL, signal: 'datagram' }));
    const inputs = [];
    for (const name of ['a', 'b', 'c']) inputs.push(await client.openInput(name, { inline: true }));
    expect(clientSockets()).to.have.length(1);
    const threaded = await client.openInput('a', { history: 4 });
    expect(clientSockets()).to.have.length(1);
    for (const output of outputs) await output.write(Buffer.alloc(64, 5));
    for (const input of [...inputs, threaded]) expect((await input.take())?.data[0]).to.equal(5);
    await client.openOutput('streams', SMALL);
    expect(await errorOf(client.openInput('streams', { inline: true, signal: 'datagram' }))).to.match(
      /^BAD_OPTION.*its provider must open it with signal: 'datagram'/,
    );
    expect(await errorOf(client.openInput('a', { signal: 'datagram' }))).to.match(
      /^BAD_OPTION.*set inline to true/,
    );
    expect(await errorOf(client.openInput('a', { signal: 'pigeon' as 'stream' }))).to.match(
      /^BAD_OPTION.*one of stream, datagram/,
    );
    expect(await errorOf(client.openOutput('b', { ...SMALL, signal: 'stream' }))).to.match(
      /^FLOW_BUSY|^REFUSED/,
    );
    const other = await system.client(APP, 'other');
    await outputs[1]!.close();
    expect(await errorOf(other.openOutput('b', { ...SMALL, signal: 'stream' }))).to.match(
      /^REFUSED.*datagram signals/,
    );
    const again = await other.openOutput('b', SMALL);
    await again.write(Buffer.alloc(64, 6));
    expect((await inputs[1]!.take())?.data[0]).to.equal(6);
    await other.close();
    await client.close();
    expect(clientSockets()).to.deep.equal([]);
  });

  it('a flow keeps its datagrams when its app server is killed', async () => {
    const client = await system.client(APP);
    const output = await client.openOutput('kept', { ...SMALL, signal: 'datagram' });
    const pid = await system.appServerPid(APP);
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      const now = await system.appServerPid(APP);
      return now !== 0 && now !== pid;
    }, 'another app server runs');
    const reader = await system.client(APP, 'reader');
    const input = await reader.openInput('kept', { inline: true, signal: 'datagram' });
    await output.write(Buffer.alloc(64, 7));
    expect((await input.take())?.data[0]).to.equal(7);
  });

  it('a worker thread that asks for datagrams gets an error, and uses streams when it does not ask', async () => {
    const client = await system.client(APP);
    const output = await client.openOutput('data', { ...SMALL, signal: 'datagram' });
    await output.write(Buffer.alloc(64, 9));
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const alive = setInterval(() => undefined, 1000);
      const codeOf = (attempt) => attempt.then(() => 'it works', (error) => error.code + ' ' + error.message);
      import(workerData.library).then(async ({ connect }) => {
        const client = await connect({ app: workerData.app, directory: workerData.directory });
        const size = { bufferSize: 64, buffers: 8, signal: 'datagram' };
        const results = [
          await codeOf(client.openOutput('other', size)),
          await codeOf(client.openInput('data', { inline: true, signal: 'datagram' })),
        ];
        const input = await client.openInput('data', { inline: true });
        results.push(String((await input.take()).data[0]));
        await client.close();
        parentPort.postMessage(results);
        clearInterval(alive);
      });`;
    const library = new URL('../../client-lib/index.js', import.meta.url).href;
    const worker = new Worker(code, {
      eval: true,
      workerData: { library, app: APP, directory: system.directory },
    });
    const [[provide, read, byStream]] = (await once(worker, 'message')) as [string[]];
    expect(provide).to.match(/^BAD_OPTION .*worker thread/);
    expect(read).to.match(/^BAD_OPTION .*worker thread/);
    expect(byStream).to.equal('9');
    await worker.terminate();
  });
});
