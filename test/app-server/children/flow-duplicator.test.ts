/** The supervision of a flow's duplicator with fake processes and a manual clock. */
import { expect } from 'chai';
import { FlowDuplicator, OWNER_SUBSCRIBES_WITHIN_MS } from '../../../app-server/children/flow-duplicator.js';
import type { DuplicatorReady } from '../../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { PROTOCOL_VERSION } from '../../../protocol/base/version.js';
import { CHILD_RESTART_LIMITS } from '../../../protocol/host/process-kit/restart-policy.js';
import { PREDECESSOR_POLL_MS } from '../../../protocol/host/process-kit/predecessor-watch.js';
import { FakeProcess, turn } from '../../protocol/host/process-kit/fake-process.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { failureOf } from '../../kit/failure-of.js';
import { silent } from '../../kit/silent-log.js';

const session = {
  call: () => Promise.reject(new Error('no calls here')),
  closed: new Promise<void>(() => undefined),
};

function readyMessage({ pid, launch }: FakeProcess<DuplicatorReady>): DuplicatorReady {
  const identity = { pid, startTicks: 0, bootId: '' };
  const names = { application: 'e1', flow: 'events', type: 'bytes', file: '/f', link: '/l' };
  return { launch, version: PROTOCOL_VERSION, identity, ...names, bufferSize: 1, buffers: 2 };
}

describe('duplicator of a flow', () => {
  let clock: ManualClock;
  let started: FakeProcess<DuplicatorReady>[];
  let owner: number | undefined;
  let isOpen: boolean;
  let alive: boolean;
  let duplicator: FlowDuplicator;

  beforeEach(() => {
    clock = new ManualClock();
    started = [];
    owner = undefined;
    isOpen = false;
    alive = true;
    duplicator = new FlowDuplicator({
      title: 'e1/events',
      clock,
      log: silent,
      launch: () => {
        const process = new FakeProcess<DuplicatorReady>(started.length + 1);
        started.push(process);
        return process;
      },
      livingOwner: () => owner,
      stopOwner: () => Promise.resolve(),
      isAlive: () => alive,
      isOpen: () => isOpen,
      changed: () => undefined,
    });
  });

  const last = (): FakeProcess<DuplicatorReady> => started.at(-1)!;

  async function run(): Promise<void> {
    const ready = duplicator.whenReady();
    await turn();
    expect(duplicator.subscribed(readyMessage(last()), session)).to.equal(true);
    await ready;
  }

  it('a duplicator is restarted at once after its first death, then with growing delays, and no more after too many', async () => {
    isOpen = true;
    await run();
    const delaysMs: number[] = [];
    for (let death = 0; death < CHILD_RESTART_LIMITS.maxRestarts; death += 1) {
      last().end('SIGSEGV');
      await turn();
      expect(duplicator.state).to.equal('starting');
      delaysMs.push(...clock.delaysMs);
      clock.advance(clock.delaysMs[0]!);
      await turn();
      duplicator.subscribed(readyMessage(last()), session);
    }
    expect(delaysMs.slice(0, 4)).to.deep.equal([0, 50, 100, 200]);
    expect(duplicator.restarts).to.equal(CHILD_RESTART_LIMITS.maxRestarts);
    last().end('SIGSEGV');
    await turn();
    expect(duplicator.state).to.equal('failed');
    expect(duplicator.cause).to.include('9 times').and.to.include('SIGSEGV');
    await run();
    expect(duplicator.state).to.equal('running');
    expect(duplicator.cause).to.equal(undefined);
  });

  it('a duplicator that ends for a new one is replaced at once, however often', async () => {
    isOpen = true;
    await run();
    for (let count = 0; count < 3 * CHILD_RESTART_LIMITS.maxRestarts; count += 1) {
      const before = last();
      duplicator.replaced();
      before.end('exit code 1');
      await turn();
      expect(last()).not.to.equal(before);
      duplicator.subscribed(readyMessage(last()), session);
      expect([duplicator.state, duplicator.restarts, clock.delaysMs]).to.deep.equal(['running', 0, []]);
    }
    last().end('SIGKILL'); // the next one is a death
    await turn();
    expect(clock.delaysMs).to.deep.equal([0]);
  });

  it('a duplicator that ends for a new one without a client has no successor', async () => {
    await run();
    duplicator.replaced();
    last().end('exit code 1');
    await turn();
    expect([duplicator.state, started.length]).to.deep.equal(['idle', 1]);
  });

  it('a delayed restart is cancelled when no client has the flow open any more', async () => {
    isOpen = true;
    await run();
    last().end('SIGKILL');
    await turn();
    isOpen = false;
    duplicator.cancelNeedlessRestart();
    expect(duplicator.state).to.equal('idle');
    expect(clock.delaysMs).to.deep.equal([]);
  });

  it('a failed start is retried while clients have the flow open', async () => {
    isOpen = true;
    await run();
    last().end('SIGKILL');
    await turn();
    clock.advance(0);
    await turn();
    duplicator.startFailed(last().launch, new MirrorflowError('SOURCE_UNREACHABLE', 'no SpecTcl there'));
    await turn();
    expect(duplicator.state).to.equal('starting');
    expect(duplicator.cause).to.equal('no SpecTcl there');
  });

  it('a released duplicator that does not end is stopped', async () => {
    await run();
    duplicator.released();
    expect(duplicator.state).to.equal('stopping');
    clock.advance(clock.delaysMs[0]!);
    expect(last().stops).to.equal(1);
    last().end('SIGKILL');
    await turn();
    expect(duplicator.state).to.equal('idle');
  });

  it('a flow whose file has another owner waits for that owner to subscribe', async () => {
    const ready = duplicator.whenReady();
    await turn();
    owner = 77;
    duplicator.startFailed(last().launch, new MirrorflowError('FILE_OWNED', 'owned'));
    last().end('exit code 1');
    await turn();
    expect(duplicator.state).to.equal('starting');
    const adopted = new FakeProcess<DuplicatorReady>(77);
    duplicator.adopt(adopted, readyMessage(adopted), session);
    await ready;
    expect(duplicator.pid).to.equal(77);
    expect(clock.delaysMs).to.deep.equal([]);
  });

  it('an open reports why the owner of the flow file was refused', async () => {
    owner = 77;
    const opening = failureOf(duplicator.whenReady());
    await turn();
    duplicator.ownerRefused('it speaks protocol version 9');
    clock.advance(OWNER_SUBSCRIBES_WITHIN_MS);
    const error = await opening;
    expect(error.code).to.equal('FILE_OWNED');
    expect(error.message).to.include('77').and.to.include('protocol version 9');
    expect(started).to.deep.equal([]);
  });

  it('a duplicator is started as soon as the expected owner has ended', async () => {
    owner = 77;
    const ready = duplicator.whenReady();
    await turn();
    clock.advance(PREDECESSOR_POLL_MS);
    expect(started).to.deep.equal([]);
    owner = undefined;
    clock.advance(PREDECESSOR_POLL_MS);
    await turn();
    duplicator.subscribed(readyMessage(last()), session);
    expect((await ready).identity.pid).to.equal(1);
  });

  it('a client that reopens a flow is not sent to a dead duplicator', async () => {
    const first = duplicator.whenReady();
    await turn();
    duplicator.subscribed(readyMessage(last()), session);
    await first;
    alive = false;
    const again = duplicator.whenReady(true);
    last().end('SIGKILL');
    await turn();
    clock.advance(0);
    await turn();
    duplicator.subscribed(readyMessage(last()), session);
    expect((await again).identity.pid).to.equal(2);
    expect(duplicator.hasPredecessor).to.equal(true);
  });

  it('a report with the token of another start is ignored', async () => {
    void duplicator.whenReady();
    await turn();
    expect(duplicator.subscribed({ ...readyMessage(last()), launch: 'guessed' }, session)).to.equal(false);
    expect(duplicator.startFailed('guessed', new MirrorflowError('START_FAILED', ''))).to.equal(false);
    expect(duplicator.state).to.equal('starting');
  });

  it('every open is refused with STOPPED when the app server ends', async () => {
    const opening = failureOf(duplicator.whenReady());
    await turn();
    await duplicator.close();
    expect((await opening).code).to.equal('STOPPED');
    expect(last().stops).to.equal(1);
    expect((await failureOf(duplicator.whenReady())).code).to.equal('STOPPED');
  });
});
