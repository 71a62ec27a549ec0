/** The wait after a take-over, with real processes, on a flow file that no duplicator serves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConsumerPresence } from '../../../duplicator/recovery/consumer-presence.js';
import { consumersOfPredecessor } from '../../../duplicator/recovery/obtain-file.js';
import { REATTACH_MS } from '../../../duplicator/recovery/reattach-gate.js';
import { CHECK_INTERVAL_MS, ReattachmentTracker } from '../../../duplicator/recovery/reattachment-tracker.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { Logger } from '../../../protocol/base/log.js';
import { stateOf, type ProcessState } from '../../../protocol/base/owner-identity.js';
import { smallFlowFile } from './small-flow-file.js';
import { TestProcess } from '../../kit/test-process.js';
import { eventually } from '../../kit/eventually.js';
import { ManualClock } from '../../kit/manual-clock.js';

describe('ReattachmentTracker', () => {
  let directory: string;
  let file: FlowFile;
  let clock: ManualClock;
  let complete: boolean;
  let logged: string[];
  const processes: TestProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = smallFlowFile(directory);
    clock = new ManualClock();
    complete = false;
    logged = [];
  });
  afterEach(async () => {
    for (const one of processes.splice(0)) await one.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  /** A lossless consumer of the dead duplicator, as a process. */
  function consumer(): TestProcess {
    const sleeper = new TestProcess('test/fixtures/sleeper');
    processes.push(sleeper);
    new ConsumerPresence(file, processes.length).enter(sleeper.pid, false);
    return sleeper;
  }
  function tracker(
    expected: number,
    { reattachMs = Number.MAX_SAFE_INTEGER, stallTimeoutMs = 0 } = {},
  ): ReattachmentTracker {
    return new ReattachmentTracker({
      file,
      expected,
      reattachMs,
      stallTimeoutMs: () => stallTimeoutMs,
      clock,
      log: new Logger('test', { sink: (line) => void logged.push(line) }),
      onComplete: () => (complete = true),
    });
  }
  /** Advances the clock by one check interval at a time. */
  function pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += CHECK_INTERVAL_MS) clock.advance(CHECK_INTERVAL_MS);
  }
  async function signal(consumer: TestProcess, name: 'SIGSTOP' | 'SIGCONT', state: ProcessState) {
    consumer.process.kill(name);
    await eventually(() => stateOf({ pid: consumer.pid, startTicks: 0n }) === state, state);
  }

  it('a consumer that dies during the wait is not expected any more', async () => {
    const [first, second] = [consumer(), consumer()];
    const tracked = tracker(2);
    await first.kill();
    pass(CHECK_INTERVAL_MS);
    expect([complete, tracked.floor]).to.deep.equal([false, 0]);
    await second.kill();
    pass(CHECK_INTERVAL_MS);
    expect([complete, tracked.floor]).to.deep.equal([true, Number.POSITIVE_INFINITY]);
  });

  it('the wait ends when the last living consumer reattaches', async () => {
    const [first, second] = [consumer(), consumer()];
    const tracked = tracker(2);
    await first.kill();
    pass(CHECK_INTERVAL_MS);
    expect(tracked.enter(second.pid, true).reattached).to.equal(true);
    expect(complete).to.equal(true);
  });

  it('a successor killed during the wait leaves the expected consumers to the next one', async () => {
    const [first, second] = [consumer(), consumer()];
    tracker(2);
    await first.kill();
    pass(CHECK_INTERVAL_MS);
    expect(file.counter(COUNTERS.awaited.id)).to.equal(1);
    const expected = consumersOfPredecessor(file);
    expect(expected).to.equal(1);
    const next = tracker(expected);
    expect(next.enter(first.pid, true).reattached).to.equal(false);
    expect(next.enter(second.pid, true).reattached).to.equal(true);
    expect(complete).to.equal(true);
  });

  it('a dead consumer is subtracted once, though the app server does not count it either', async () => {
    const [first, second] = [consumer(), consumer()];
    const tracked = tracker(2);
    await first.kill();
    tracked.livingAtMost(1);
    pass(CHECK_INTERVAL_MS);
    expect(complete).to.equal(false);
    tracked.enter(second.pid, true);
    expect(complete).to.equal(true);
  });

  it('consumers without an entry and receivers on other hosts stay expected when another dies', async () => {
    const known = consumer();
    file.setCounter(COUNTERS.holdingRemotes.id, 1);
    const tracked = tracker(3);
    await known.kill();
    pass(10 * CHECK_INTERVAL_MS);
    expect([complete, file.counter(COUNTERS.awaited.id)]).to.deep.equal([false, 2]);
    tracked.enter(0, true);
    expect(complete).to.equal(false);
    tracked.enterRemote();
    expect(complete).to.equal(true);
  });

  it('a stopped consumer is waited for, and has the whole reattach time once it continues', async () => {
    const stopped = consumer();
    await signal(stopped, 'SIGSTOP', 'stopped');
    tracker(1, { reattachMs: REATTACH_MS });
    pass(10 * REATTACH_MS);
    expect([complete, file.counter(COUNTERS.awaited.id)]).to.deep.equal([false, 1]);
    expect(logged).to.have.length(1);
    expect(logged[0]).to.include(String(stopped.pid));
    await signal(stopped, 'SIGCONT', 'alive');
    pass(REATTACH_MS - CHECK_INTERVAL_MS);
    expect(complete).to.equal(false);
    pass(CHECK_INTERVAL_MS);
    expect(complete).to.equal(true);
  });

  it('a consumer that dies while it is stopped is not expected any more', async () => {
    const stopped = consumer();
    await signal(stopped, 'SIGSTOP', 'stopped');
    tracker(1);
    pass(CHECK_INTERVAL_MS);
    await stopped.kill();
    pass(CHECK_INTERVAL_MS);
    expect(complete).to.equal(true);
  });

  it('a stopped consumer is waited for no longer than the stall timeout and the reattach time', async () => {
    const stopped = consumer();
    await signal(stopped, 'SIGSTOP', 'stopped');
    const stallTimeoutMs = 3 * REATTACH_MS;
    tracker(1, { reattachMs: REATTACH_MS, stallTimeoutMs });
    pass(stallTimeoutMs);
    expect(complete).to.equal(false);
    // The last check before the stall timeout postpones the end for the last time.
    pass(REATTACH_MS - 2 * CHECK_INTERVAL_MS);
    expect(complete).to.equal(false);
    pass(CHECK_INTERVAL_MS);
    expect(complete).to.equal(true);
  });

  it('with a stall timeout of a millisecond a stopped consumer gets the reattach time, and no more', async () => {
    const stopped = consumer();
    await signal(stopped, 'SIGSTOP', 'stopped');
    tracker(1, { reattachMs: REATTACH_MS, stallTimeoutMs: 1 });
    pass(REATTACH_MS);
    expect(complete).to.equal(true);
  });

  it('of three expected consumers, a reattached one that disconnects or dies keeps the floor', async () => {
    const [first, second, third] = [consumer(), consumer(), consumer()];
    const tracked = tracker(3);
    tracked.leave(tracked.enter(first.pid, true));
    expect(tracked.floor).to.equal(0);
    const again = tracked.enter(first.pid, true);
    expect(again.reattached).to.equal(true);
    await first.kill();
    tracked.leave(again);
    tracked.enter(second.pid, true);
    expect([complete, tracked.floor]).to.deep.equal([false, 0]);
    tracked.enter(third.pid, true);
    expect([complete, tracked.floor]).to.deep.equal([true, Number.POSITIVE_INFINITY]);
  });

  it('of three expected consumers, a receiver on another host that disconnects is expected again', () => {
    file.setCounter(COUNTERS.holdingRemotes.id, 3);
    const tracked = tracker(3);
    expect(tracked.enterRemote()).to.equal(true);
    tracked.leaveRemote();
    expect([tracked.enterRemote(), tracked.enterRemote()]).to.deep.equal([true, true]);
    expect([complete, tracked.floor]).to.deep.equal([false, 0]);
    tracked.count(2, 2);
    expect(file.counter(COUNTERS.holdingRemotes.id)).to.equal(3);
    expect(tracked.enterRemote()).to.equal(true);
    expect([complete, tracked.enterRemote()]).to.deep.equal([true, false]);
    tracked.count(3, 3);
    expect([file.counter(COUNTERS.holdingRemotes.id), file.counter(COUNTERS.awaited.id)]).to.deep.equal([
      3, 0,
    ]);
  });
});
