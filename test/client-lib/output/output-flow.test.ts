import { expect } from 'chai';
import { attachOutputFlow } from '../../../client-lib/output/output-flow.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { LocalHostFlow, turnsOfEventLoop } from '../../kit/local-host.js';

describe('an output flow', () => {
  let place: LocalHostFlow;

  beforeEach(async () => {
    place = await LocalHostFlow.start(4);
  });

  afterEach(async () => {
    await place.close();
  });

  const text = (value: number): Buffer => Buffer.from(String(value));

  async function code(work: Promise<unknown>): Promise<string> {
    try {
      await work;
      return 'no error';
    } catch (error) {
      return isMirrorflowError(error) ? error.code : String(error);
    }
  }

  it('the commits of one turn are published together, at its end at the latest', async () => {
    const output = await place.provider({});
    output.reserveNow()?.commit(1);
    expect(place.file.published).to.equal(1); // a quarter ring goes out at once
    const large = await LocalHostFlow.start(64);
    const other = await large.provider();
    for (let buffer = 0; buffer < 5; buffer += 1) other.reserveNow()?.commit(1);
    expect(large.file.published).to.equal(0);
    await Promise.resolve();
    expect(large.file.published).to.equal(5);
    other.destroy();
    output.destroy();
    await large.close();
  });

  it('a flow written at a low rate asks for no answers, and signals every buffer', async () => {
    const large = await LocalHostFlow.start(64);
    const output = await large.provider();
    const input = await large.consumer({ inline: true });
    for (let value = 0; value < 100; value += 1) {
      // Every other round a second buffer follows at once, before the first signal was handled.
      for (let more = 0; more <= value % 2; more += 1) {
        output.reserveNow()?.commit(1);
        output.flush();
      }
      for (let more = 0; more <= value % 2; more += 1) expect(await input.take()).not.to.equal(undefined);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(large.file.heard).to.be.greaterThan(0);
    await input.close();
    output.destroy();
    await large.close();
  });

  it('writes that wait for room keep the order of their calls', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    const writes = Array.from({ length: 20 }, (_, value) => output.write(text(value)));
    const got: string[] = [];
    while (got.length < 20) {
      const buffer = await input.take();
      got.push(Buffer.from(buffer!.data).toString());
      // A later write must not overtake the waiting ones.
      if (got.length === 3) writes.push(output.write(text(20)));
    }
    await Promise.all(writes);
    expect(got).to.deep.equal(Array.from({ length: 20 }, (_, value) => String(value)));
    expect(Buffer.from((await input.take())!.data).toString()).to.equal('20');
    await input.close();
    output.destroy();
  });

  it('an aborted write rejects with its reason, and the writes behind it are served', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    for (let value = 0; value < 4; value += 1) await output.write(text(value));
    const stop = new AbortController();
    const aborted = output.write(text(98), { signal: stop.signal });
    const behind = output.write(text(4));
    stop.abort(new Error('enough'));
    expect(await code(aborted)).to.equal('Error: enough');
    for (let value = 0; value < 5; value += 1)
      expect(Buffer.from((await input.take())!.data).toString()).to.equal(String(value));
    expect(await behind).to.equal(true);
    await input.close();
    output.destroy();
  });

  for (const [whenFull, wrote, lost, read] of [
    ['drop', [true, true, true, true, false, false, false], 3, '0123'],
    ['overwrite', [true, true, true, true, true, true, false], 1, '012346'],
    ['grow', [true, true, true, true, true, true, true], 0, '0123456'],
  ] as const) {
    it(`${whenFull}: a write to a full ring ${{ drop: 'drops its buffer', overwrite: 'replaces the newest queued buffer', grow: 'queues its buffer' }[whenFull]}`, async () => {
      const output = await place.provider({ whenFull, queue: whenFull === 'grow' ? 3 : 2 });
      const input = await place.consumer({ inline: true });
      const results: boolean[] = [];
      for (let value = 0; value < 7; value += 1) results.push(await output.write(text(value)));
      expect(results).to.deep.equal(wrote);
      expect(output.lost).to.equal(lost);
      const closing = output.close();
      let got = '';
      for await (const buffer of input) {
        got += Buffer.from(buffer.data).toString();
        if (got.length === read.length) break;
      }
      expect(got).to.equal(read);
      await closing;
      expect(input.lost).to.equal(0);
      await input.close();
    });
  }

  it('block: a write waits for the slowest lossless consumer, and close waits for the write', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    for (let value = 0; value < 4; value += 1) await output.write(text(value));
    let written = false;
    const waiting = output.write(text(4)).then(() => (written = true));
    const closing = output.close();
    expect(await code(output.write(text(5)))).to.equal('CLOSED');
    await turnsOfEventLoop(20);
    expect(written).to.equal(false);
    for (let value = 0; value < 5; value += 1) expect(await input.take()).to.not.equal(undefined);
    await Promise.all([waiting, closing]);
    await turnsOfEventLoop();
    expect([input.sourceState, input.sourceGeneration]).to.deep.equal(['ended', 1]);
    await input.close();
  });

  it('a closed provider leaves the source ended, a destroyed one stale, and both free the role', async () => {
    const states: unknown[] = [];
    const input = await place.consumer({ inline: true });
    input.on('state', (state, generation) => states.push(`${state} ${generation}`));
    await (await place.provider()).close();
    (await place.provider()).destroy();
    const third = await place.provider(); // the link of the provider before may not have ended yet
    await turnsOfEventLoop(20);
    expect(states).to.deep.equal(['live 1', 'ended 1', 'live 2', 'stale 2', 'live 3']);
    await third.close();
    await input.close();
  });

  it('waiting writes are rejected and the flow is lost when its duplicator ends', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    for (let value = 0; value < 4; value += 1) await output.write(text(value));
    const waiting = code(output.write(text(4)));
    const events: string[] = [];
    output.on('closed', () => events.push('closed'));
    output.on('lost', () => events.push('lost'));
    await place.close();
    expect(await waiting).to.equal('CLOSED');
    expect(events).to.deep.equal(['closed', 'lost']);
    expect(() => output.reserveNow()).to.throw('its duplicator has ended');
    await output.close();
    await input.close();
  });

  it('a buffer that does not fit and a second commit of a slot are refused', async () => {
    const output = await place.provider();
    expect(await code(output.write(Buffer.alloc(65)))).to.equal('TOO_LARGE');
    const slot = await output.reserve();
    expect(() => slot.commit(65)).to.throw(RangeError);
    slot.commit(64);
    expect(() => slot.commit(1)).to.throw('committed already');
    output.destroy();
    expect(() => slot.commit(1)).to.throw();
  });

  it('an output flow does not attach to the file of another duplicator', async () => {
    const other = await LocalHostFlow.start(4);
    const mixed = { ...place.opened, file: other.opened.file };
    expect(await code(attachOutputFlow(mixed, { bufferSize: 64, buffers: 4 }))).to.equal('CLOSED');
    await other.close();
  });
});
