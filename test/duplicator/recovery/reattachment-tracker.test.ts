/**
 * Who is waited for after a take-over while the wait lasts, with real processes, on a file that
 * nobody serves.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConsumerPresence } from '../../../duplicator/recovery/consumer-presence.js';
import { consumersOfPredecessor } from '../../../duplicator/recovery/obtain-file.js';
import { REATTACH_MS } from '../../../duplicator/recovery/reattach-gate.js';
import { LOOK_MS, ReattachmentTracker } from '../../../duplicator/recovery/reattachment-tracker.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { Logger } from '../../../protocol/base/log.js';
import { stateOf, type ProcessState } from '../../../protocol/base/owner-identity.js';
import { TestProcess } from '../../fixtures/child-process.js';
import { eventually } from '../../fixtures/polling.js';
import { ManualClock } from '../manual-clock.js';
import { smallFlowFile } from './small-flow-file.js';

describe('those who are awaited after a take-over', () => {
  let directory: string;
  let file: FlowFile;
  let clock: ManualClock;
  let over: boolean;
  let logged: string[];
  const others: TestProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = smallFlowFile(directory);
    clock = new ManualClock();
    over = false;
    logged = [];
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  /** A lossless consumer of the dead duplicator, a process of its own. */
  function consumer(): TestProcess {
    const other = new TestProcess('test/fixtures/sleeper');
    others.push(other);
    new ConsumerPresence(file, others.length).enter(other.pid, false);
    return other;
  }
  function returns(
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
      onComplete: () => (over = true),
    });
  }
  /** Look by look. */
  function pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += LOOK_MS) clock.advance(LOOK_MS);
  }
  async function signalled(other: TestProcess, signal: 'SIGSTOP' | 'SIGCONT', state: ProcessState) {
    other.process.kill(signal);
    await eventually(() => stateOf({ pid: other.pid, startTicks: 0n }) === state, state);
  }

  it('are not waited for any more when they die meanwhile', async () => {
    const [first, second] = [consumer(), consumer()];
    const waiting = returns(2);
    await first.kill();
    pass(LOOK_MS);
    expect([over, waiting.floor]).to.deep.equal([false, 0]);
    await second.kill();
    pass(LOOK_MS);
    expect([over, waiting.floor]).to.deep.equal([true, Number.POSITIVE_INFINITY]);
  });

  it('end the wait when the last of those who live is back', async () => {
    const [first, second] = [consumer(), consumer()];
    const waiting = returns(2);
    await first.kill();
    pass(LOOK_MS);
    expect(waiting.enter(second.pid, true).expected).to.equal(true);
    expect(over).to.equal(true);
  });

  it('are known to the next duplicator, should this one be killed while it waits', async () => {
    const [first, second] = [consumer(), consumer()];
    returns(2);
    await first.kill();
    pass(LOOK_MS);
    expect(file.counter(COUNTERS.awaited.id)).to.equal(1);
    const expected = consumersOfPredecessor(file);
    expect(expected).to.equal(1);
    const next = returns(expected);
    expect(next.enter(first.pid, true).expected).to.equal(false);
    expect(next.enter(second.pid, true).expected).to.equal(true);
    expect(over).to.equal(true);
  });

  it('are taken off once: one who is dead, and whom the app server does not count, is the same one', async () => {
    const [first, second] = [consumer(), consumer()];
    const waiting = returns(2);
    await first.kill();
    waiting.expectAtMost(1);
    pass(LOOK_MS);
    expect(over).to.equal(false);
    waiting.enter(second.pid, true);
    expect(over).to.equal(true);
  });

  it('are waited for without an entry, and so are receivers on other hosts, whoever dies here', async () => {
    const known = consumer();
    file.setCounter(COUNTERS.holdingRemotes.id, 1);
    const waiting = returns(3);
    await known.kill();
    pass(10 * LOOK_MS);
    expect([over, file.counter(COUNTERS.awaited.id)]).to.deep.equal([false, 2]);
    waiting.enter(0, true);
    expect(over).to.equal(false);
    waiting.remoteReturned();
    expect(over).to.equal(true);
  });

  it('are waited for as long as they are stopped, and have their time when they go on', async () => {
    const stopped = consumer();
    await signalled(stopped, 'SIGSTOP', 'stopped');
    returns(1, { reattachMs: REATTACH_MS });
    pass(10 * REATTACH_MS);
    expect([over, file.counter(COUNTERS.awaited.id)]).to.deep.equal([false, 1]);
    expect(logged).to.have.length(1);
    expect(logged[0]).to.include(String(stopped.pid));
    await signalled(stopped, 'SIGCONT', 'alive');
    pass(REATTACH_MS - LOOK_MS);
    expect(over).to.equal(false);
    pass(LOOK_MS);
    expect(over).to.equal(true);
  });

  it('are not waited for when they die while they are stopped', async () => {
    const stopped = consumer();
    await signalled(stopped, 'SIGSTOP', 'stopped');
    returns(1);
    pass(LOOK_MS);
    await stopped.kill();
    pass(LOOK_MS);
    expect(over).to.equal(true);
  });

  it('are given up, stopped as they are, when the flow has a stall timeout', async () => {
    const stopped = consumer();
    await signalled(stopped, 'SIGSTOP', 'stopped');
    const stallTimeoutMs = 3 * REATTACH_MS;
    returns(1, { reattachMs: REATTACH_MS, stallTimeoutMs });
    pass(stallTimeoutMs);
    expect(over).to.equal(false);
    pass(REATTACH_MS);
    expect(over).to.equal(true);
  });
});
