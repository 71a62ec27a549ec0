/** Input flows with a flow thread: history policies, and independence of the main thread. */
import { expect } from 'chai';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { openInputFlow, reattachInputFlow, type InputFlow } from '../../../client-lib/input/input-flow.js';
import type { InputFlowOptions } from '../../../client-lib/input/input-options.js';
import { FlowDouble } from '../../kit/flow-double.js';
import { eventually } from '../../kit/eventually.js';

describe('a flow thread', () => {
  let from: FlowDouble;
  const flows: InputFlow[] = [];

  async function open(options: InputFlowOptions = {}): Promise<InputFlow> {
    const flow = await openInputFlow(from.opened, options);
    flows.push(flow);
    return flow;
  }

  const acknowledged = (): number | undefined => [...from.consumers][0]?.acknowledged;
  const sequences = (flow: InputFlow): number[] => flow.takeAll().map((buffer) => buffer.sequence);

  beforeEach(async () => {
    from = await FlowDouble.start({ slots: 64 });
  });

  afterEach(async () => {
    for (const flow of flows.splice(0)) await flow.close();
    await from.close();
  });

  it('a flow thread fills the history while the main thread is busy', async () => {
    const flow = await open({ history: 16 });
    from.publish(5);
    // No turn of the event loop from here on: only the flow thread runs.
    const deadline = performance.now() + 45_000;
    while (flow.ready < 5) expect(performance.now()).to.be.below(deadline);
    expect(sequences(flow)).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('a flow thread continues while a blocked main thread takes and releases buffers', async () => {
    from.publish(60);
    const flow = await open({ history: 4 });
    const seen: number[] = [];
    while (seen.length < 60) {
      const buffer = flow.takeSync(45_000);
      if (buffer === undefined) break;
      seen.push(buffer.sequence);
    }
    expect(seen).to.deep.equal(Array.from({ length: 60 }, (_, sequence) => sequence));
  });

  it('a history grows by policy without the event loop of the main thread', async () => {
    from.publish(50);
    const flow = await open({ history: 2, whenFull: 'grow', maxHistory: 64 });
    const deadline = performance.now() + 45_000;
    while (flow.ready < 50) expect(performance.now()).to.be.below(deadline);
    expect(flow.capacity).to.equal(64);
    const taken = flow.takeAll();
    expect(taken.length).to.equal(50);
    expect(taken.every((buffer) => buffer.data[0] === buffer.sequence)).to.equal(true);
  });

  it('a full history stops reading, which holds a lossless provider back', async () => {
    const flow = await open({ history: 4 });
    from.publish(20);
    await eventually(() => flow.ready === 4 && acknowledged() === 4);
    expect(flow.free).to.equal(0);
    expect(from.credit).to.equal(68);
    const seen: (number | undefined)[] = [];
    while (seen.length < 20) seen.push((await flow.take())?.sequence);
    expect(seen).to.deep.equal(Array.from({ length: 20 }, (_, sequence) => sequence));
    expect(flow.lost).to.equal(0);
  });

  it('the policy overwrite replaces the newest ready buffer', async () => {
    const flow = await open({ history: 4, whenFull: 'overwrite' });
    const lost: number[] = [];
    flow.on('lost', (count) => lost.push(count));
    from.publish(20);
    await eventually(() => acknowledged() === 20);
    expect(sequences(flow)).to.deep.equal([0, 1, 2, 19]);
    expect(flow.lost).to.equal(16);
    await eventually(() => lost.length > 0);
    expect(lost.reduce((sum, count) => sum + count)).to.equal(16);
  });

  it('the policy drop acknowledges buffers that find no room', async () => {
    const flow = await open({ history: 4, whenFull: 'drop' });
    from.publish(20);
    await eventually(() => acknowledged() === 20);
    expect(sequences(flow)).to.deep.equal([0, 1, 2, 3]);
    expect(flow.lost).to.equal(16);
  });

  it('a flow thread stops at the high watermark and continues below the low one', async () => {
    const flow = await open({ history: 8, watermarks: { high: 6, low: 3 } });
    from.publish(20);
    await eventually(() => acknowledged() === 6);
    for (let taken = 0; taken < 3; taken += 1) flow.takeNow()?.release();
    expect(flow.ready).to.equal(3);
    flow.takeNow()?.release();
    await eventually(() => acknowledged() === 10);
    expect(flow.ready).to.equal(6);
  });

  it('a lossy flow counts the buffers by which it was lapped as lost', async () => {
    const flow = await open({ history: 2, delivery: 'lossy' });
    from.publish(10);
    await eventually(() => flow.ready === 2);
    from.publish(200);
    const seen: number[] = [];
    while (seen.at(-1) !== 209) seen.push((await flow.take())?.sequence ?? 209);
    expect(seen.length + flow.lost).to.equal(210);
    expect(flow.lost).to.be.greaterThan(100);
  });

  it('growing the history resumes a thread that waits for room', async () => {
    const flow = await open({ history: 2, maxHistory: 32 });
    from.publish(20);
    await eventually(() => acknowledged() === 2);
    await flow.grow(32);
    expect(flow.capacity).to.equal(32);
    await eventually(() => flow.ready === 20);
    const refused = await flow.grow(33).catch((error: unknown) => error);
    expect(isMirrorflowError(refused, 'BAD_OPTION')).to.equal(true);
    await flow.grow(8);
    expect(flow.capacity).to.equal(32);
  });

  it('a history shrinks as buffers are released, and can grow again', async () => {
    const flow = await open({ history: 16 });
    from.publish(10);
    await eventually(() => flow.ready === 10);
    flow.shrink(4);
    await eventually(() => flow.capacity === 10);
    expect(sequences(flow).length).to.equal(10);
    expect(flow.takeNow()).to.equal(undefined);
    expect(flow.capacity).to.equal(4);
    await flow.grow(12);
    expect(flow.capacity).to.equal(12);
    from.publish(12);
    await eventually(() => flow.ready === 12);
    expect(sequences(flow)[11]).to.equal(21);
  });

  it('a buffer that newest has returned is not overwritten', async () => {
    const flow = await open({ history: 2, whenFull: 'overwrite' });
    from.publish(2);
    await eventually(() => flow.ready === 2);
    const [newest] = flow.newest();
    from.publish(5);
    await eventually(() => acknowledged() === 7);
    expect(newest?.sequence).to.equal(1);
    expect(newest?.data[0]).to.equal(1);
    expect(sequences(flow)).to.deep.equal([0, 1]);
    expect(flow.lost).to.equal(5);
  });

  it('buffers published together become ready by one wake-up', async () => {
    const flow = await open({ history: 32 });
    const waiting = flow.take();
    from.publish(30);
    expect((await waiting)?.sequence).to.equal(0);
    await eventually(() => flow.ready === 29);
  });

  it('a history that does not fit is TOO_LARGE with the numbers, and leaves no link open', async () => {
    const large = await FlowDouble.start({ slots: 2, capacity: 32 * 1024 * 1024 });
    try {
      const error = await openInputFlow(large.opened, { history: 65 }).catch((reason: unknown) => reason);
      expect(isMirrorflowError(error, 'TOO_LARGE')).to.equal(true);
      expect(String(error)).to.contain('which is 63 buffers');
      await eventually(() => large.consumers.size === 0);
    } finally {
      await large.close();
    }
  });

  it('reattaching to larger buffers than the history holds is TOO_LARGE, and the flow stays as it was', async () => {
    const larger = await FlowDouble.start({ capacity: 4096 });
    try {
      const flow = await openInputFlow(from.opened, {}, 'hold');
      flows.push(flow);
      from.publish(2);
      expect((await flow.take())?.sequence).to.equal(0);
      const error = await reattachInputFlow(flow, larger.opened).catch((reason: unknown) => reason);
      expect(isMirrorflowError(error, 'TOO_LARGE')).to.equal(true);
      expect((await flow.take())?.sequence).to.equal(1);
      from.publish(1);
      expect((await flow.take())?.sequence).to.equal(2);
    } finally {
      await larger.close();
    }
  });
});
