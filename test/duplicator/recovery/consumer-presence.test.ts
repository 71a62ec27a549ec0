/** Who is awaited after a take-over, as the flow file tells it, on a file that nobody serves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConsumerPresence, deadEntries } from '../../../duplicator/recovery/consumer-presence.js';
import { consumersOfPredecessor } from '../../../duplicator/recovery/obtain-file.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { PRESENCE_CAPACITY } from '../../../protocol/flow/flow-file/layout.js';
import { TestProcess } from '../../fixtures/child-process.js';
import { smallFlowFile } from './small-flow-file.js';

describe('the consumers of a killed duplicator', () => {
  let directory: string;
  let file: FlowFile;
  const others: TestProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    file = smallFlowFile(directory);
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  function another(): TestProcess {
    const other = new TestProcess('test/fixtures/sleeper');
    others.push(other);
    return other;
  }

  it('are waited for, but for those whose process has died', async () => {
    const other = another();
    const before = new ConsumerPresence(file, 0);
    before.enter(process.pid, false);
    before.enter(other.pid, false);
    before.enter(0, false);
    file.setCounter(COUNTERS.lossless.id, 3);
    expect(consumersOfPredecessor(file)).to.equal(3);
    await other.kill();
    expect([consumersOfPredecessor(file), deadEntries(file).length]).to.deep.equal([2, 1]);
  });

  it('are waited for still when their duplicator was killed while it waited for them', () => {
    file.setCounter(COUNTERS.lossless.id, 1);
    file.setCounter(COUNTERS.awaited.id, 2);
    expect(consumersOfPredecessor(file)).to.equal(3);
  });

  it('are known by their process: nobody else is taken for one of them', () => {
    const other = another();
    new ConsumerPresence(file, 0).enter(other.pid, false);
    const after = new ConsumerPresence(file, 1);
    expect(after.enter(process.pid, true).expected).to.equal(false);
    expect(after.enter(other.pid, false).expected).to.equal(false);
    expect(after.enter(other.pid, true).expected).to.equal(true);
    expect(after.enter(other.pid, true).expected).to.equal(false);
  });

  it('are awaited again when they have come and gone', () => {
    const before = new ConsumerPresence(file, 0);
    before.enter(process.pid, false);
    const after = new ConsumerPresence(file, 2);
    const known = after.enter(process.pid, true);
    const unknown = after.enter(0, true);
    expect([known.expected, unknown.expected]).to.deep.equal([true, true]);
    expect(after.enter(0, true).expected).to.equal(false);
    after.leave(known, true);
    after.leave(unknown, true);
    expect(after.enter(process.pid, true).expected).to.equal(true);
    expect(after.enter(0, true).expected).to.equal(true);
  });

  it('leave their entry to others when they go, and all do when nobody is awaited any more', async () => {
    const other = another();
    const before = new ConsumerPresence(file, 0);
    for (let entry = 0; entry < PRESENCE_CAPACITY; entry += 1) before.enter(other.pid, false);
    expect(before.enter(other.pid, false).entry).to.equal(undefined);
    const after = new ConsumerPresence(file, PRESENCE_CAPACITY);
    const taken = after.enter(other.pid, true);
    after.over();
    await other.kill();
    expect(deadEntries(file)).to.deep.equal([taken.entry]);
    after.leave(taken, false);
    expect(deadEntries(file)).to.deep.equal([]);
  });
});
