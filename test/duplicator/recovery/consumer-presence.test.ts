/** The presence table in a flow file that no duplicator serves, with real processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConsumerPresence, deadEntries } from '../../../duplicator/recovery/consumer-presence.js';
import { consumersOfPredecessor } from '../../../duplicator/recovery/obtain-file.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { PRESENCE_CAPACITY } from '../../../protocol/flow/flow-file/layout.js';
import { ownIdentity } from '../../../protocol/base/owner-identity.js';
import { smallFlowFile } from './small-flow-file.js';
import { TestProcess } from '../../kit/test-process.js';

describe('ConsumerPresence', () => {
  let directory: string;
  let file: FlowFile;
  const sleepers: TestProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = smallFlowFile(directory);
  });
  afterEach(async () => {
    for (const sleeper of sleepers.splice(0)) await sleeper.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  function startSleeper(): TestProcess {
    const sleeper = new TestProcess('test/fixtures/sleeper');
    sleepers.push(sleeper);
    return sleeper;
  }

  it('consumers of a killed duplicator are expected unless their process is dead', async () => {
    const sleeper = startSleeper();
    const before = new ConsumerPresence(file, 0);
    before.enter(process.pid, false);
    before.enter(sleeper.pid, false);
    before.enter(0, false);
    file.setCounter(COUNTERS.lossless.id, 3);
    expect(consumersOfPredecessor(file)).to.equal(3);
    await sleeper.kill();
    expect([consumersOfPredecessor(file), deadEntries(file).length]).to.deep.equal([2, 1]);
  });

  it('consumers are still expected when the duplicator that waited for them is killed', () => {
    file.setCounter(COUNTERS.lossless.id, 1);
    file.setCounter(COUNTERS.awaited.id, 2);
    expect(consumersOfPredecessor(file)).to.equal(3);
  });

  it('an expected consumer reattaches only from its own process, and only once', () => {
    const sleeper = startSleeper();
    new ConsumerPresence(file, 0).enter(sleeper.pid, false);
    const after = new ConsumerPresence(file, 1);
    expect(after.enter(process.pid, true).reattached).to.equal(false);
    expect(after.enter(sleeper.pid, false).reattached).to.equal(false);
    expect(after.enter(sleeper.pid, true).reattached).to.equal(true);
    expect(after.enter(sleeper.pid, true).reattached).to.equal(false);
  });

  it('a reattached consumer that disconnects is expected again', () => {
    const before = new ConsumerPresence(file, 0);
    before.enter(process.pid, false);
    const after = new ConsumerPresence(file, 2);
    const known = after.enter(process.pid, true);
    const unknown = after.enter(0, true);
    expect([known.reattached, unknown.reattached]).to.deep.equal([true, true]);
    expect(after.enter(0, true).reattached).to.equal(false);
    after.leave(known, true);
    after.leave(unknown, true);
    expect(after.enter(process.pid, true).reattached).to.equal(true);
    expect(after.enter(0, true).reattached).to.equal(true);
  });

  it('an entry is freed when its consumer leaves, all expected ones when the wait ends', async () => {
    const sleeper = startSleeper();
    const before = new ConsumerPresence(file, 0);
    for (let entry = 0; entry < PRESENCE_CAPACITY; entry += 1) before.enter(sleeper.pid, false);
    expect(before.enter(sleeper.pid, false).entry).to.equal(undefined);
    const after = new ConsumerPresence(file, PRESENCE_CAPACITY);
    const taken = after.enter(sleeper.pid, true);
    after.clearExpected();
    await sleeper.kill();
    expect(deadEntries(file)).to.deep.equal([taken.entry]);
    after.leave(taken, false);
    expect(deadEntries(file)).to.deep.equal([]);
  });

  it('every entry of the table is used, the last one too, and a new flow clears all', async () => {
    const sleeper = startSleeper();
    const before = new ConsumerPresence(file, 0);
    const used = Array.from({ length: PRESENCE_CAPACITY }, () => before.enter(sleeper.pid, false).entry);
    expect(used).to.deep.equal(Array.from({ length: PRESENCE_CAPACITY }, (_, entry) => entry));
    const last = PRESENCE_CAPACITY - 1;
    expect(file.presence.pidOf(last)).to.equal(sleeper.pid);
    expect(file.bytes.readUInt32LE(512 + 63 * 8)).to.equal(sleeper.pid);
    file.setCounter(COUNTERS.lossless.id, PRESENCE_CAPACITY);
    await sleeper.kill();
    expect(deadEntries(file)).to.have.length(PRESENCE_CAPACITY).and.to.include(last);
    expect(new ConsumerPresence(file, PRESENCE_CAPACITY).update().expected).to.equal(0);
    expect(file.presence.pidOf(last)).to.equal(0);
    new ConsumerPresence(file, 0).enter(process.pid, false);
    file.presence.set(last, ownIdentity());
    expect(new ConsumerPresence(file, 0).update().expected).to.equal(0);
    for (let entry = 0; entry < PRESENCE_CAPACITY; entry += 1) expect(file.presence.pidOf(entry)).to.equal(0);
  });
});
