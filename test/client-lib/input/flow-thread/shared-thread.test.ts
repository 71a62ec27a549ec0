/** One flow thread serves all flows of a program. */
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { openInputFlow, type InputFlow } from '../../../../client-lib/input/input-flow.js';
import type { InputFlowOptions } from '../../../../client-lib/input/input-options.js';
import { eventually } from '../../../kit/eventually.js';
import { FlowDouble } from '../../../kit/flow-double.js';

const FLOWS = 200;

describe('the shared flow thread', () => {
  const doubles: FlowDouble[] = [];
  const flows: InputFlow[] = [];

  async function double(): Promise<FlowDouble> {
    const made = await FlowDouble.start({ slots: 64 });
    doubles.push(made);
    return made;
  }

  async function open(from: FlowDouble, options: InputFlowOptions = {}): Promise<InputFlow> {
    const flow = await openInputFlow(from.opened, { history: 4, ...options });
    flows.push(flow);
    return flow;
  }

  afterEach(async () => {
    await Promise.all(flows.splice(0).map((flow) => flow.close()));
    await Promise.all(doubles.splice(0).map((made) => made.close()));
  });

  it('one thread serves 200 flows, and a blocked flow, a paused one and a busy one delay no other', async () => {
    const from = await double();
    const blockedBy = await double();
    const busyBy = await double();
    const blocked = await open(blockedBy);
    const threads = threadsOfProcess();
    const paused = await open(blockedBy);
    paused.pause();
    const busy = await open(busyBy, { whenFull: 'overwrite', delivery: 'lossy' });
    const others = await Promise.all(Array.from({ length: FLOWS - 3 }, () => open(from)));
    blockedBy.publish(20);
    await eventually(() => blocked.free === 0, 'the blocked flow has a full history');
    for (let sequence = 0; sequence < 12; sequence += 1) {
      busyBy.publish(64);
      from.publish(1);
      for (const flow of others) {
        const buffer = await flow.take();
        expect(buffer?.sequence).to.equal(sequence);
        buffer?.release();
      }
    }
    expect(blocked.ready).to.equal(4);
    expect(paused.ready).to.equal(0);
    expect(busy.ready).to.be.greaterThan(0);
    expect(threadsOfProcess()).to.equal(threads);
    paused.resume();
    for (const flow of [blocked, paused]) {
      for (let sequence = 0; sequence < 20; sequence += 1) {
        const buffer = await flow.take();
        expect(buffer?.sequence).to.equal(sequence);
        buffer?.release();
      }
      expect(flow.lost).to.equal(0);
    }
  });

  it('a flow that spins and one that asks for it have a thread of their own, which ends with them', async () => {
    const from = await double();
    await open(from);
    const before = threadsOfProcess();
    const own = await open(from, { thread: 'own' });
    const spinning = await open(from, { spinUs: 100_000 });
    expect(threadsOfProcess()).to.be.at.least(before + 2);
    from.publish(1);
    for (const flow of flows) expect((await flow.take())?.sequence).to.equal(0);
    await Promise.all([own.close(), spinning.close()]);
    await eventually(() => threadsOfProcess() === before, 'both threads have ended');
  });

  it('a close of one flow leaves the others of its thread undisturbed', async () => {
    const from = await double();
    const first = await open(from);
    const second = await open(from);
    from.publish(1);
    expect((await first.take())?.sequence).to.equal(0);
    await first.close();
    from.publish(1);
    for (const sequence of [0, 1]) expect((await second.take())?.sequence).to.equal(sequence);
  });
});

function threadsOfProcess(): number {
  return readdirSync('/proc/self/task').length;
}
