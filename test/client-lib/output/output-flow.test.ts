/**
 * Output flows against real duplicated flows in this process: commits, signals, waits, policies,
 * and the ends of both sides.
 */
import { expect } from 'chai';
import { attachOutputFlow } from '../../../client-lib/output/output-flow.js';
import { Handshake } from '../../../client-lib/link/handshake.js';
import { LAST, MessageKind } from '../../../protocol/flow/signal-link/messages.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { LocalHostFlow, turnsOfEventLoop } from '../../kit/local-host.js';
import { codeOf } from '../../kit/failure-of.js';

describe('an output flow', () => {
  let place: LocalHostFlow;

  beforeEach(async () => {
    place = await LocalHostFlow.start(4);
  });

  afterEach(async () => {
    await place.close();
  });

  const text = (value: number): Buffer => Buffer.from(String(value));

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

  it('an aborted write or reservation rejects with CLOSED and its reason, as a take does, and the writes behind it are served', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    for (let value = 0; value < 4; value += 1) await output.write(text(value));
    const stop = new AbortController();
    const aborted = output.write(text(98), { signal: stop.signal });
    const behind = output.write(text(4));
    const reserved = output.reserve({ signal: stop.signal });
    const reason = new Error('enough');
    stop.abort(reason);
    for (const [wait, name] of [
      [aborted, 'write'],
      [reserved, 'reservation'],
      [output.write(text(98), { signal: stop.signal }), 'write'],
      [input.take({ signal: stop.signal }), 'take'],
    ] as const) {
      const error: unknown = await wait.catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'CLOSED', message: `the ${name} was aborted`, cause: reason });
    }
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
    expect(await codeOf(output.write(text(5)))).to.equal('CLOSED');
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

  it('the bytes of published buffers are counted in the flow file, over all providers', async () => {
    const bytes = (): number => place.file.counter(COUNTERS.publishedBytes.id);
    const first = await place.provider();
    await first.write(Buffer.alloc(3));
    await first.close();
    expect(bytes()).to.equal(3);
    const second = await place.provider();
    const slots = [second.reserveNow(), second.reserveNow()];
    slots[1]?.commit(5); // behind a slot that is reserved
    slots[0]?.commit(7);
    await second.close();
    expect(bytes()).to.equal(15);
  });

  it('the word of a provider that it leaves ends the flow and frees the role while its link stays open', async () => {
    const states: unknown[] = [];
    const input = await place.consumer({ inline: true });
    input.on('state', (state, generation) => states.push(`${state} ${generation}`));
    const { connection } = await new Handshake(place.openedToProvide.link).join({
      client: 7,
      hello: { role: 'provider', delivery: 'lossless', start: 'latest' },
    });
    connection.signal(MessageKind.PUBLISHED, 0, LAST);
    const next = await place.provider();
    await turnsOfEventLoop(20);
    expect(states).to.deep.equal(['live 1', 'ended 1', 'live 2']);
    expect(connection.closed).to.equal(false);
    connection.close();
    await turnsOfEventLoop(20);
    expect(states).to.have.lengthOf(3);
    await next.close();
    await input.close();
  });

  it('waiting writes are rejected and the flow is lost when its duplicator ends', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    for (let value = 0; value < 4; value += 1) await output.write(text(value));
    const waiting = codeOf(output.write(text(4)));
    const events: string[] = [];
    output.on('closed', () => events.push('closed'));
    output.on('end', () => events.push('end'));
    await place.close();
    expect(await waiting).to.equal('CLOSED');
    expect(events).to.deep.equal(['closed', 'end']);
    expect(() => output.reserveNow()).to.throw('its duplicator has ended');
    await output.close();
    await input.close();
  });

  it('write publishes the bytes of any typed array or DataView, and refuses everything else', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    const memory = Uint8Array.of(9, 1, 2, 3, 4, 9).buffer;
    for (const view of [
      new Uint16Array(Uint8Array.of(1, 2, 3, 4).buffer),
      new DataView(memory, 1, 4),
      new Uint8ClampedArray(memory, 1, 4),
      Buffer.from(memory, 1, 4),
    ]) {
      await output.write(view);
      expect([...(await input.take())!.data]).to.deep.equal([1, 2, 3, 4]);
    }
    const wrong: [unknown, string][] = [
      ['abc', 'the buffer to write is "abc"; it must be a typed array, a Buffer or a DataView'],
      [[1, 2], 'a value of class Array'],
      [memory, 'a value of class ArrayBuffer'],
      [undefined, 'undefined'],
      [null, 'null'],
      [7, '7'],
      [{ length: 3 }, 'an object'],
    ];
    for (const [value, message] of wrong) {
      const error: unknown = await output.write(value as Buffer).catch((thrown: unknown) => thrown);
      expect(isMirrorflowError(error, 'BAD_OPTION'), String(error)).to.equal(true);
      expect(String(error)).to.contain(message);
    }
    const double = new Float64Array(9); // 72 bytes, though only 9 elements
    expect(await codeOf(output.write(double))).to.equal('TOO_LARGE');
    expect(await codeOf(output.write(text(1), { singal: undefined } as object))).to.equal('BAD_OPTION');
    expect(output.written.buffers).to.equal(4);
    await input.close();
    output.destroy();
  });

  it('an output flow does not attach to the file of another duplicator', async () => {
    const other = await LocalHostFlow.start(4);
    const mixed = { ...place.openedToProvide, file: other.opened.file };
    expect(await codeOf(attachOutputFlow(mixed, { bufferSize: 64, buffers: 4 }))).to.equal('CLOSED');
    await other.close();
  });
});
