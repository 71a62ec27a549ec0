/** Local flows between real processes, some of which are killed or stopped. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MirrorflowError, type Client } from '../../client-lib/index.js';
import { RealSystem } from '../kit/real-system.js';
import type { TestProcess } from '../kit/test-process.js';
import { eventually } from '../kit/eventually.js';
import { problemOf } from '../kit/checked-payload.js';

const PROVIDER = 'test/fixtures/system/numbered-provider.js';
const CONSUMER = 'test/fixtures/system/numbered-consumer.js';

interface Report {
  readonly begun: number;
  readonly next: number;
  readonly read: number;
  readonly wrong: number;
  readonly lost: number;
  readonly problems: readonly string[];
}

describe('a flow between processes', function () {
  let system: RealSystem;
  let client: Client;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost('e1');
    client = await system.client('e1');
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  const start = (path: string, ...args: (string | number)[]): TestProcess =>
    system.program(path, args.map(String));

  const prints = (program: TestProcess, text: string): Promise<void> =>
    program.until(() => program.output.includes(text));

  /** Waits for the end of a numbered consumer and parses its last line. */
  async function report(program: TestProcess): Promise<Report> {
    await program.end();
    const line = program.output.split('\n').find((text) => text.startsWith('{"begun"'));
    if (line === undefined) throw new Error(program.output + program.errors);
    return JSON.parse(line) as Report;
  }

  const published = async (flow: string): Promise<number> =>
    (await client.flows()).find((info) => info.flow === flow)?.published ?? 0;

  it('a million buffers arrive whole and once while provider and consumer are killed at random', async function () {
    this.timeout(600_000);
    const count = 1_000_000;
    const out = join(system.directory, 'next.log');
    // The steady consumer keeps buffers that the killed one had not acknowledged in the ring, as
    // far as its own acknowledgement, and receives every buffer.
    let provider = start(PROVIDER, 'e1', 'numbers', count, 32, 'block', 4096);
    await prints(provider, 'providing 0');
    const steady = start(CONSUMER, 'e1', 'numbers', 'oldest', count);
    let killed = start(CONSUMER, 'e1', 'numbers', 'oldest', count, out);
    await prints(steady, 'attached');
    let seed = 20_261;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
    for (let kills = 0; kills < 6; kills += 1) {
      const target = ((kills + 0.3 + random() * 0.6) * count) / 7;
      await eventually(async () => (await published('numbers')) >= target, `${target} published`);
      if (kills % 2 === 0) {
        await provider.kill();
        provider = start(PROVIDER, 'e1', 'numbers', count, 32, 'block', 4096);
        await prints(provider, 'providing');
      } else {
        // The provider is stopped meanwhile: on a fast machine it would reach the end before the
        // consumer is attached again.
        provider.process.kill('SIGSTOP');
        await killed.kill();
        const next = existsSync(out) ? readFileSync(out, 'utf8') : '0';
        killed = start(CONSUMER, 'e1', 'numbers', next, count, out);
        await prints(killed, 'attached');
        provider.process.kill('SIGCONT');
      }
    }
    const all = await report(steady);
    expect(all.problems).to.deep.equal([]);
    expect(all).to.include({ next: count, wrong: 0, lost: 0 });
    expect(all.read).to.equal(count - all.begun);
    const last = await report(killed);
    expect(last).to.include({ next: count, wrong: 0 });
  });

  it('a sleeping lossless consumer holds the provider back and loses nothing, and a lossy one is not held back', async () => {
    const provider = start(PROVIDER, 'e1', 'numbers', 0, 64, 'block', 16);
    await prints(provider, 'providing');
    const sleeper = await client.openInput('numbers', { history: 4, start: 'next' });
    const lossy = await client.openInput('numbers', {
      history: 4,
      delivery: 'lossy',
      start: 'next',
      inline: true,
    });
    const first = (await sleeper.take())!;
    const begun = first.sequence;
    // The consumer takes nothing until ring and history are full and the provider has stopped.
    let before = -1;
    const stopped = await eventually(async () => {
      const now = await published('numbers');
      const same = now === before;
      before = now;
      await lossy.take({ timeoutMs: 50 });
      return same ? now : undefined;
    }, 'the provider waits');
    expect(stopped - begun).to.be.at.most(1 + 4 + 16 + 1);
    while (lossy.takeNow() !== undefined);
    let next = begun + 1;
    while (next < begun + 500) {
      const buffer = (await sleeper.take())!;
      expect(buffer.sequence).to.equal(next);
      expect(problemOf(Buffer.from(buffer.copy()), 0, next)).to.equal(undefined);
      next += 1;
      while (lossy.takeNow() !== undefined);
    }
    expect(sleeper.lost).to.equal(0);
  });

  it('a sleeping lossy consumer never holds the provider back and gets the exact number of lost buffers', async () => {
    const defining = await client.openOutput('numbers', { bufferSize: 64, buffers: 16 });
    const lossy = await client.openInput('numbers', { history: 4, delivery: 'lossy' });
    await defining.close();
    const provider = start(PROVIDER, 'e1', 'numbers', 0, 64, 'block', 16);
    await prints(provider, 'providing 0');
    await eventually(async () => (await published('numbers')) > 16_000, 'a thousand rings are written');
    await provider.kill();
    await eventually(() => lossy.sourceState === 'stale', 'the death of the provider is reported');
    const total = await published('numbers');
    let taken = 0;
    let last = -1;
    await eventually(() => {
      for (let buffer = lossy.takeNow(); buffer !== undefined; buffer = lossy.takeNow()) {
        expect(buffer.sequence).to.be.greaterThan(last);
        last = buffer.sequence;
        taken += 1;
      }
      expect(taken + lossy.lost).to.be.at.most(total);
      return taken + lossy.lost === total;
    }, 'every buffer is taken or counted as lost');
  });

  it('a killed provider is reported as stale, leaves no torn buffer, and the next one continues', async () => {
    const provider = start(PROVIDER, 'e1', 'numbers', 0, 4096, 'block', 8);
    await prints(provider, 'providing');
    const input = await client.openInput('numbers', { history: 4 });
    const events: string[] = [];
    input.on('state', (state, generation) => events.push(`${state} ${generation}`));
    input.on('provider', (generation) => events.push(`provider ${generation}`));
    let next = (await input.take())!.sequence + 1;
    const readTo = async (end: number): Promise<void> => {
      for (; next < end; next += 1) {
        const buffer = (await input.take())!;
        expect(buffer.sequence).to.equal(next);
        expect(problemOf(Buffer.from(buffer.copy()), 0, next)).to.equal(undefined);
      }
    };
    await readTo(200);
    await provider.kill();
    await eventually(() => events.includes('stale 1'), 'the death of the provider is reported');
    const total = await published('numbers');
    await readTo(total);
    const second = start(PROVIDER, 'e1', 'numbers', 0, 4096, 'block', 8);
    await prints(second, `providing ${total}`);
    await readTo(total + 100);
    const [death, ...others] = events.filter((event) => event !== 'live 1');
    expect(death).to.equal('stale 1');
    // A consumer that is reading may get the next provider's buffer before its event.
    expect(others).to.have.members(['live 2', 'provider 2']);
    expect(input.lost).to.equal(0);
  });

  it('a second provider of a flow is refused with the name of the first', async () => {
    const first = await client.openOutput('numbers', { bufferSize: 64 });
    const other = await system.client('e1', 'second');
    const refused = await other.openOutput('numbers', { bufferSize: 64 }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(MirrorflowError);
    expect(refused).to.include({ code: 'FLOW_BUSY' });
    expect((refused as MirrorflowError).message).to.contain('test');
    await first.close();
    await (await other.openOutput('numbers', { bufferSize: 64 })).close();
  });

  it('a late consumer starts at the oldest, newest or next buffer, or at a sequence', async () => {
    const output = await client.openOutput('numbers', { bufferSize: 64, buffers: 8 });
    for (let value = 0; value < 20; value += 1) await output.write(Buffer.from([value]));
    for (const inline of [true, false]) {
      for (const [start, first] of [
        ['oldest', 12],
        ['newest', 19],
        [15, 15],
        [3, 12],
      ] as const) {
        const input = await client.openInput('numbers', { start, inline });
        expect((await input.take())?.sequence, String(start)).to.equal(first);
        expect(input.lost).to.equal(start === 3 ? 9 : 0);
        await input.close();
      }
    }
    const input = await client.openInput('numbers', { start: 'next' });
    await output.write(Buffer.from([20]));
    expect((await input.take())?.sequence).to.equal(20);
    await output.close();
  });

  it('a consumer that is killed in mid-copy releases its credit', async () => {
    const provider = start(PROVIDER, 'e1', 'numbers', 0, 64 * 1024, 'block', 8);
    await prints(provider, 'providing');
    const consumer = start(CONSUMER, 'e1', 'numbers', 'next', 1_000_000_000);
    await prints(consumer, 'attached');
    consumer.process.kill('SIGSTOP');
    let before = -1;
    const stopped = await eventually(async () => {
      const now = await published('numbers');
      const same = now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return same ? now : undefined;
    }, 'the provider waits');
    await consumer.kill();
    await eventually(async () => (await published('numbers')) > stopped + 100, 'the provider continues');
  });

  for (const policy of ['block', 'overwrite', 'drop', 'grow'] as const) {
    it(`a full ring is handled by the policy of the provider: ${policy}`, async () => {
      const output = await client.openOutput('numbers', {
        bufferSize: 64,
        buffers: 4,
        whenFull: policy,
        queue: 2,
      });
      const input = await client.openInput('numbers', { inline: true });
      const results = Array.from({ length: 8 }, (_, value) => output.write(Buffer.from([value])));
      const now = policy === 'block' || policy === 'grow' ? 0 : 8;
      const known = await Promise.all(results.slice(0, now));
      const closing = output.close();
      const read: number[] = [];
      const count = { block: 8, overwrite: 6, drop: 4, grow: 8 }[policy];
      while (read.length < count) read.push((await input.take())!.data[0]!);
      await Promise.all([...results, closing]);
      const all = [0, 1, 2, 3, 4, 5, 6, 7];
      const kept = { block: all, overwrite: [0, 1, 2, 3, 4, 7], drop: [0, 1, 2, 3], grow: all }[policy];
      expect(read).to.deep.equal(kept);
      expect(output.lost).to.equal(8 - count);
      expect(known.filter((whole) => !whole)).to.have.length(now === 0 ? 0 : 8 - count);
      expect(input.lost).to.equal(0);
    });
  }
});
