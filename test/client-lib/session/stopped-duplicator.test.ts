/** Opening flows and mirrors whose duplicator exists and does not run: it is stopped by SIGSTOP. */
import { expect } from 'chai';
import type { Client } from '../../../client-lib/index.js';
import { startSimulator, type Simulator } from '../../../simulator/simulator.js';
import { RunningApplication } from '../running-application.js';
import { eventually } from '../../kit/eventually.js';
import { failureOf } from '../../kit/failure-of.js';

/** The promise of docs/client-library.md. */
const FAILS_WITHIN_MS = 1_000;
/** Attempts to connect; on a busy machine one may take longer than the library waits. */
const ATTEMPTS = 3;
const SIZES = { bufferSize: 64, buffers: 8 };

describe('a stopped duplicator', () => {
  let application: RunningApplication;
  let simulator: Simulator;
  let keeper: Client;
  let client: Client;
  const stopped = new Set<number>();

  beforeEach(async () => {
    simulator = await startSimulator({ noDelay: true, rate: 0 });
    application = new RunningApplication();
    await application.start({ source: simulator.address });
    keeper = await application.connect('keeper');
    client = await application.connect('viewer');
  });

  afterEach(async function () {
    for (const pid of stopped) process.kill(pid, 'SIGCONT');
    stopped.clear();
    if (this.currentTest?.state === 'failed') process.stderr.write(`${application.system.logs()}\n`);
    await application.stop();
    await simulator.close();
  });

  async function stop(flow: string): Promise<() => void> {
    const pid = await eventually(async () => {
      return (await keeper.flows()).find((info) => info.flow === flow)?.pid;
    }, `the duplicator of ${flow} runs`);
    process.kill(pid, 'SIGSTOP');
    stopped.add(pid);
    return () => process.kill(pid, 'SIGCONT');
  }

  async function expectTimeout(open: () => Promise<unknown>): Promise<void> {
    const elapsedMs: number[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const begun = performance.now();
      expect(await failureOf(open())).to.include({ code: 'TIMED_OUT' });
      elapsedMs.push(performance.now() - begun);
      if (Math.min(...elapsedMs) < FAILS_WITHIN_MS) return;
    }
    expect(Math.min(...elapsedMs)).to.be.below(FAILS_WITHIN_MS);
  }

  it('a mirror of a stopped duplicator fails within a second, and opens once it continues', async () => {
    await keeper.mirror();
    const resume = await stop('spectra');
    await expectTimeout(() => client.mirror());
    resume();
    expect((await client.mirror()).memory.length).to.be.greaterThan(0);
  });

  for (const inline of [false, true]) {
    it(`an input flow of a stopped duplicator fails within a second, ${inline ? 'inline' : 'with a flow thread'}`, async () => {
      const out = await keeper.openOutput('events', SIZES);
      const resume = await stop('events');
      await expectTimeout(() => client.openInput('events', { inline }));
      resume();
      const input = await client.openInput('events', { inline });
      await out.write(Buffer.from('x'));
      expect((await input.take({ timeoutMs: 45_000 }))?.size).to.equal(1);
    });
  }

  it('an output flow of a stopped duplicator fails within a second', async () => {
    const out = await keeper.openOutput('events', SIZES);
    await keeper.openInput('events', { inline: true });
    await out.close();
    const resume = await stop('events');
    await expectTimeout(() => client.openOutput('events', SIZES));
    resume();
    await (await client.openOutput('events', SIZES)).close();
  });
});
