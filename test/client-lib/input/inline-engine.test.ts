/** What only an inline input flow promises: buffers in place, and what the writer may take back. */
import { expect } from 'chai';
import { openInputFlow, reattachInputFlow, type InputFlow } from '../../../client-lib/input/input-flow.js';
import type { InputFlowOptions } from '../../../client-lib/input/input-options.js';
import { FlowDouble, until } from '../../fixtures/flow-double.js';

describe('an inline input flow', () => {
  let from: FlowDouble;
  const flows: InputFlow[] = [];

  async function open(options: InputFlowOptions = {}): Promise<InputFlow> {
    const flow = await openInputFlow(from.opened, { inline: true, ...options });
    flows.push(flow);
    return flow;
  }

  const acknowledged = (): number | undefined => [...from.consumers][0]?.acknowledged;

  beforeEach(async () => {
    from = await FlowDouble.start({ slots: 8 });
  });

  afterEach(async () => {
    for (const flow of flows.splice(0)) await flow.close();
    await from.close();
  });

  it('does not let a lossless writer take back what is lent', async () => {
    const flow = await open();
    from.publish(7);
    const taken = flow.takeAll();
    await until(() => acknowledged() === 0);
    expect(from.credit).to.equal(8);
    taken[0]?.release();
    taken[1]?.release();
    await until(() => acknowledged() === 2);
    expect(taken[2]?.stillValid()).to.equal(true);
    expect(flow.free).to.equal(3);
  });

  it('waits for more while earlier buffers are still lent', async () => {
    const flow = await open();
    from.publish(1);
    const [first, second] = [flow.take(), flow.take()];
    const lent = await first;
    from.publish(1);
    expect((await second)?.sequence).to.equal(1);
    expect(lent?.released).to.equal(false);
  });

  it('says when a lossy buffer was taken back', async () => {
    const flow = await open({ delivery: 'lossy' });
    from.publish(1);
    const buffer = flow.takeNow();
    expect(buffer?.stillValid()).to.equal(true);
    from.publish(8);
    expect(buffer?.stillValid()).to.equal(false);
    expect(buffer?.data.length).to.equal(64);
  });

  it('keeps what is lent when it goes on at another link, and does not deliver it twice', async () => {
    const to = await FlowDouble.start({ slots: 8 });
    try {
      const flow = await openInputFlow(from.opened, { inline: true }, 'hold');
      flows.push(flow);
      from.publish(4);
      to.publish(5);
      const taken = flow.takeAll();
      from.cut();
      await reattachInputFlow(flow, to.opened);
      expect(taken.map((buffer) => buffer.stillValid())).to.deep.equal([true, true, true, true]);
      expect(to.credit).to.equal(8);
      expect((await flow.take())?.sequence).to.equal(4);
      expect(flow.lost).to.equal(0);
      expect(taken[0]?.released).to.equal(true);
    } finally {
      await to.close();
    }
  });

  it('counts a buffer that was taken back during poll, and what it was lapped by', async () => {
    const flow = await open({ delivery: 'lossy' });
    from.publish(2);
    const seen: number[] = [];
    flow.poll((_view, { sequence }) => {
      seen.push(sequence);
      if (sequence === 0) from.publish(20);
    });
    expect(seen.at(-1)).to.equal(21);
    // The first was seen and taken back while it was: it counts as lost too.
    expect(seen.length - 1 + flow.lost).to.equal(22);
  });

  it('hands out the same view for a slot while the sizes stay the same', async () => {
    const flow = await open();
    const views = new Set<Uint8Array>();
    for (let round = 0; round < 5; round += 1) {
      from.publish(4);
      flow.poll((view) => views.add(view));
    }
    expect(views.size).to.equal(8);
  });

  it('is woken by the published word alone in takeSync', async () => {
    const flow = await open();
    expect(flow.takeSync(3)).to.equal(undefined);
    from.publish(1);
    expect(flow.takeSync(45_000)?.sequence).to.equal(0);
  });

  const refused: [InputFlowOptions, string][] = [
    [{ whenFull: 'drop' }, 'whenFull'],
    [{ watermarks: { high: 4, low: 2 } }, 'watermarks'],
    [{ history: 9 }, 'from 1 to 8'],
    [{ delivery: 'maybe' as 'lossy' }, 'delivery is "maybe"; it must be one of lossless, lossy'],
    [{ start: -1 }, 'start is -1'],
    [{ start: 'middle' as 'oldest' }, 'start is "middle"'],
    [{ spinUs: 1e6 }, 'spinUs is 1000000; it must be microseconds from 0 to 100000'],
    [{ inline: 'yes' as unknown as boolean }, 'inline is "yes"'],
  ];
  for (const [options, message] of refused) {
    it(`is refused with ${JSON.stringify(options)}`, async () => {
      const error = await open(options).catch((reason: unknown) => reason);
      expect(String(error)).to.contain(message);
      await until(() => from.consumers.size === 0);
    });
  }
});
