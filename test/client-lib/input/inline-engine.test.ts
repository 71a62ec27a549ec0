/** Inline input flows: buffers in place, and overwritten ones. */
import { expect } from 'chai';
import { openInputFlow, reattachInputFlow, type InputFlow } from '../../../client-lib/input/input-flow.js';
import type { InputFlowOptions } from '../../../client-lib/input/input-options.js';
import { FlowDouble } from '../../kit/flow-double.js';
import { eventually } from '../../kit/eventually.js';

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

  it('a lossless provider does not overwrite a borrowed buffer', async () => {
    const flow = await open();
    from.publish(7);
    const taken = flow.takeAll();
    await eventually(() => acknowledged() === 0);
    expect(from.credit).to.equal(8);
    taken[0]?.release();
    taken[1]?.release();
    await eventually(() => acknowledged() === 2);
    expect(taken[2]?.stillValid()).to.equal(true);
    expect(flow.free).to.equal(3);
  });

  it('a take waits for the next buffer while earlier ones are borrowed', async () => {
    const flow = await open();
    from.publish(1);
    const [first, second] = [flow.take(), flow.take()];
    const borrowed = await first;
    from.publish(1);
    expect((await second)?.sequence).to.equal(1);
    expect(borrowed?.released).to.equal(false);
  });

  it('stillValid reports that a lossy buffer was overwritten', async () => {
    const flow = await open({ delivery: 'lossy' });
    from.publish(1);
    const buffer = flow.takeNow();
    expect(buffer?.stillValid()).to.equal(true);
    from.publish(8);
    expect(buffer?.stillValid()).to.equal(false);
    expect(buffer?.data.length).to.equal(64);
  });

  it('borrowed buffers stay valid across a reattachment, and are not delivered twice', async () => {
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

  it('a buffer overwritten during poll counts as lost, like the buffers that were lapped', async () => {
    const flow = await open({ delivery: 'lossy' });
    from.publish(2);
    const seen: number[] = [];
    flow.poll((_view, { sequence }) => {
      seen.push(sequence);
      if (sequence === 0) from.publish(20);
    });
    expect(seen.at(-1)).to.equal(21);
    // The first was handled and overwritten meanwhile: it counts as lost too.
    expect(seen.length - 1 + flow.lost).to.equal(22);
  });

  it('a slot is read by the same view while the sizes stay the same', async () => {
    const flow = await open();
    const views = new Set<Uint8Array>();
    for (let round = 0; round < 5; round += 1) {
      from.publish(4);
      flow.poll((view) => views.add(view));
    }
    expect(views.size).to.equal(8);
  });

  it('takeSync notices a buffer by the published word alone', async () => {
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
    it(`an inline input flow is refused with the options ${JSON.stringify(options)}`, async () => {
      const error = await open(options).catch((reason: unknown) => reason);
      expect(String(error)).to.contain(message);
      await eventually(() => from.consumers.size === 0);
    });
  }
});
