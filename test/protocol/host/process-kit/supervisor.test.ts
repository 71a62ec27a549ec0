/** The supervisor with fake processes and a manual clock. */
import { expect } from 'chai';
import fc from 'fast-check';
import { MirrorflowError } from '../../../../protocol/base/errors.js';
import { PREDECESSOR_POLL_MS } from '../../../../protocol/host/process-kit/predecessor-watch.js';
import { Supervisor } from '../../../../protocol/host/process-kit/supervisor.js';
import type {
  NextStep,
  SupervisedEnd,
  SupervisorOptions,
} from '../../../../protocol/host/process-kit/supervisor-options.js';
import type { ProcessConnection } from '../../../../protocol/host/process-kit/supervised-process.js';
import { FakeProcess, turn } from './fake-process.js';
import { ManualClock } from '../../../kit/manual-clock.js';

const CONNECTS_WITHIN_MS = 1_000;
const connection: ProcessConnection = { closed: new Promise(() => undefined) };

/** A supervisor that restarts after deaths and fails on failed starts, and what it has done. */
class Rig {
  readonly clock = new ManualClock();
  readonly started: FakeProcess<string>[] = [];
  readonly ends: string[] = [];
  readonly states: string[] = [];
  predecessor: number | undefined;
  predecessorStops = 0;
  next: Partial<Record<SupervisedEnd['kind'], NextStep>> = {};
  readonly supervisor: Supervisor<string>;

  constructor(options: Partial<SupervisorOptions<string, ProcessConnection>> = {}, endsWhenStopped = true) {
    this.supervisor = new Supervisor<string>({
      title: 'the child',
      clock: this.clock,
      launch: () => {
        const process = new FakeProcess<string>(this.started.length + 1, endsWhenStopped);
        this.started.push(process);
        return process;
      },
      decide: (end) => {
        this.ends.push(end.kind);
        const usual = end.kind === 'died' ? 'retry' : end.kind === 'stopped' ? 'rest' : 'fail';
        return this.next[end.kind] ?? usual;
      },
      changed: (state) => this.states.push(state),
      predecessor: {
        pid: () => this.predecessor,
        stop: async () => {
          this.predecessorStops += 1;
          this.predecessor = undefined;
        },
        connectsWithinMs: CONNECTS_WITHIN_MS,
        lateError: (pid) => new MirrorflowError('TIMED_OUT', `process ${pid} has not connected`),
      },
      ...options,
    });
  }

  get last(): FakeProcess<string> {
    const last = this.started.at(-1);
    if (last === undefined) throw new Error('nothing was started');
    return last;
  }

  report(process = this.last): boolean {
    return this.supervisor.report(process.pid, process.launch, 'here', connection);
  }

  async run(): Promise<void> {
    this.supervisor.start();
    await turn();
    expect(this.report()).to.equal(true);
  }
}

describe('supervisor of a child', () => {
  it('a child is ready by its own report only', async () => {
    const rig = new Rig();
    rig.supervisor.start();
    await turn();
    expect(rig.supervisor.state).to.equal('starting');
    expect(rig.supervisor.report(rig.last.pid, 'guessed', 'here', connection)).to.equal(false);
    expect(rig.supervisor.report(99, rig.last.launch, 'here', connection)).to.equal(false);
    expect(rig.supervisor.ready).to.equal(undefined);
    expect(rig.report()).to.equal(true);
    expect([rig.supervisor.state, rig.supervisor.ready]).to.deep.equal(['running', 'here']);
    expect([rig.supervisor.pid, rig.supervisor.adopted]).to.deep.equal([1, false]);
  });

  it('a stop is complete when what the process left running has ended, also after its death', async () => {
    for (const dies of [false, true]) {
      let complete: () => void = () => undefined;
      let calls = 0;
      const rig = new Rig({
        afterStop: () =>
          new Promise((resolve) => {
            calls += 1;
            complete = resolve;
          }),
      });
      await rig.run();
      if (dies) {
        rig.last.end('SIGKILL');
        await turn();
        expect(rig.supervisor.state).to.equal('delayed');
      }
      const stopped = rig.supervisor.stop();
      await turn();
      expect([rig.supervisor.state, calls]).to.deep.equal(['stopping', 1]);
      complete();
      await stopped;
      expect(rig.supervisor.state).to.equal('idle');
    }
  });

  it('start failure, death after ready and requested stop are three outcomes', async () => {
    const rig = new Rig();
    rig.supervisor.start();
    await turn();
    rig.supervisor.startFailed(rig.last.launch, new MirrorflowError('NO_SPACE', 'the disk is full'));
    rig.last.end('exit code 1');
    await turn();
    expect([rig.supervisor.state, rig.supervisor.cause?.code]).to.deep.equal(['failed', 'NO_SPACE']);
    await rig.run();
    rig.last.end('SIGKILL');
    await turn();
    expect([rig.supervisor.state, rig.supervisor.cause?.code]).to.deep.equal(['delayed', 'CHILD_DIED']);
    rig.clock.advance(0);
    await turn();
    expect(rig.report()).to.equal(true);
    await rig.supervisor.stop();
    expect(rig.supervisor.state).to.equal('idle');
    expect(rig.ends).to.deep.equal(['start-failed', 'died', 'stopped']);
  });

  it('a child that dies too often is not started again until it is requested', async () => {
    const rig = new Rig({
      restart: { maxRestarts: 2, windowMs: 60_000, firstIntervalMs: 5, maxIntervalMs: 20 },
    });
    await rig.run();
    for (let death = 0; death < 2; death += 1) {
      rig.last.end('SIGSEGV');
      await turn();
      rig.clock.advance(20);
      await turn();
      rig.report();
    }
    expect(rig.supervisor.restarts).to.equal(2);
    rig.last.end('SIGSEGV');
    await turn();
    expect(rig.supervisor.state).to.equal('failed');
    expect(rig.supervisor.cause?.message).to.contain('3 times within 60 s').and.contain('SIGSEGV');
    rig.supervisor.reset();
    await rig.run();
    expect([rig.supervisor.restarts, rig.supervisor.cause]).to.deep.equal([0, undefined]);
  });

  it('a throw of the launch is a failed start', async () => {
    const rig = new Rig({
      launch: () => {
        throw new Error('no descriptors');
      },
    });
    rig.supervisor.start();
    await turn();
    expect(rig.supervisor.state).to.equal('failed');
    expect(rig.supervisor.cause?.message).to.equal('the child could not be started: no descriptors');
  });

  it('a start waits until the process before it has ended', async () => {
    const rig = new Rig({}, false);
    rig.supervisor.start();
    await turn();
    rig.supervisor.startFailed(rig.last.launch, new MirrorflowError('TIMED_OUT', 'late'));
    await turn();
    rig.supervisor.start();
    await turn();
    expect(rig.started).to.have.length(1);
    rig.last.end('SIGTERM');
    await turn();
    expect(rig.started).to.have.length(2);
  });

  it('a failed start that is still ending is not adopted when it reports late', async () => {
    const rig = new Rig({}, false);
    rig.supervisor.start();
    await turn();
    rig.supervisor.startFailed(rig.last.launch, new MirrorflowError('TIMED_OUT', 'late'));
    await turn();
    expect(rig.report()).to.equal(false);
    const again = new FakeProcess<string>(rig.last.pid);
    expect(() => rig.supervisor.adopt(again, 'here', connection)).to.throw('is being stopped');
  });

  it('a living predecessor is expected and adopted, and nothing is started', async () => {
    const rig = new Rig();
    rig.predecessor = 77;
    rig.supervisor.start();
    await turn();
    expect(rig.supervisor.state).to.equal('expecting');
    const process = new FakeProcess<string>(77);
    process.adopted = true;
    rig.supervisor.adopt(process, 'here', connection);
    expect([rig.supervisor.state, rig.supervisor.pid, rig.supervisor.adopted]).to.deep.equal([
      'running',
      77,
      true,
    ]);
    expect(rig.started).to.deep.equal([]);
    expect(() => rig.supervisor.adopt(new FakeProcess(78), 'here', connection)).to.throw(
      'process 77 already',
    );
  });

  it('a predecessor that ends or does not connect is noticed within its time', async () => {
    const rig = new Rig();
    rig.next = { 'predecessor-ended': 'start' };
    rig.predecessor = 77;
    rig.supervisor.expect();
    rig.predecessor = undefined;
    rig.clock.advance(PREDECESSOR_POLL_MS);
    await turn();
    expect(rig.started).to.have.length(1);

    const late = new Rig();
    late.predecessor = 77;
    late.supervisor.expect();
    for (let ms = 0; ms <= CONNECTS_WITHIN_MS; ms += PREDECESSOR_POLL_MS) {
      late.clock.advance(PREDECESSOR_POLL_MS);
    }
    expect([late.supervisor.state, late.supervisor.cause?.code]).to.deep.equal(['failed', 'TIMED_OUT']);
    expect(late.predecessorStops).to.equal(0);
  });

  it('a late predecessor is stopped and replaced where the owner decides so', async () => {
    const rig = new Rig();
    rig.next = { 'predecessor-late': 'replace', stopped: 'start' };
    rig.predecessor = 77;
    rig.supervisor.expect();
    rig.clock.advance(CONNECTS_WITHIN_MS);
    await turn();
    expect(rig.predecessorStops).to.equal(1);
    expect(rig.started).to.have.length(1);
  });

  it('an adopted process that does not fit is stopped before the next start', async () => {
    const rig = new Rig();
    rig.next = { stopped: 'start' };
    const process = new FakeProcess<string>(77);
    rig.supervisor.replace(process, connection);
    await turn();
    expect([process.stops, rig.supervisor.state, rig.started.length]).to.deep.equal([1, 'stopping', 0]);
    process.end('SIGTERM');
    await turn();
    expect([rig.supervisor.state, rig.started.length]).to.deep.equal(['starting', 1]);
  });

  it('a connected process is asked to end before it gets SIGTERM', async () => {
    let asked = 0;
    const ask = async (): Promise<boolean> => {
      asked += 1;
      return true;
    };
    const rig = new Rig({ quit: { ask, withinMs: 500 } });
    await rig.run();
    const stopping = rig.supervisor.stop();
    await turn();
    expect([asked, rig.last.stops]).to.deep.equal([1, 0]);
    rig.clock.advance(500);
    await stopping;
    expect(rig.last.stops).to.equal(1);
  });

  it('a process that was agreed to end is stopped when it takes too long', async () => {
    const rig = new Rig();
    await rig.run();
    let late = 0;
    rig.supervisor.letEnd(200, () => (late += 1));
    expect(rig.supervisor.state).to.equal('stopping');
    rig.clock.advance(200);
    await turn();
    expect([late, rig.last.stops, rig.supervisor.state]).to.deep.equal([1, 1, 'idle']);
  });

  it('a released supervisor leaves its process alone', async () => {
    const rig = new Rig();
    await rig.run();
    rig.supervisor.release();
    rig.last.end('SIGKILL');
    await turn();
    expect([rig.last.stops, rig.last.released, rig.started.length]).to.deep.equal([0, true, 1]);
  });

  it('at most one process lives after any sequence of requests and ends, and close stops it', async () => {
    const actions = ['start', 'stop', 'report', 'fail', 'die', 'time', 'adopt', 'turn'] as const;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...actions), { maxLength: 40 }), async (sequence) => {
        const rig = new Rig();
        const { supervisor } = rig;
        const ended = new Set<FakeProcess<string>>();
        const adopted: FakeProcess<string>[] = [];
        const living = (): FakeProcess<string>[] =>
          [...rig.started, ...adopted].filter((process) => !ended.has(process) && process.stops === 0);
        for (const action of sequence) {
          const process = rig.started.at(-1);
          if (action === 'start') supervisor.start();
          else if (action === 'stop') void supervisor.stop();
          else if (action === 'time') rig.clock.advance(3_000);
          else if (action === 'report' && process !== undefined) rig.report(process);
          else if (action === 'fail' && process !== undefined) {
            const failed = new MirrorflowError('START_FAILED', 'no');
            if (supervisor.startFailed(process.launch, failed)) void process.stop();
          } else if (action === 'die' && process !== undefined && supervisor.state === 'running') {
            ended.add(process);
            process.end('SIGKILL');
          } else if (
            action === 'adopt' &&
            supervisor.state !== 'running' &&
            supervisor.state !== 'stopping'
          ) {
            const stray = new FakeProcess<string>(1_000 + adopted.length, true);
            adopted.push(stray);
            supervisor.adopt(stray, 'here', connection);
          }
          await turn();
          expect(living().length).to.be.at.most(1);
        }
        await supervisor.close();
        await turn();
        expect(living()).to.deep.equal([]);
        expect(supervisor.state).to.equal('closed');
      }),
      { numRuns: 60 },
    );
  });
});
