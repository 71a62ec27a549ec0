/**
 * Flows between hosts as real processes: each host has directories of its own, its duplicators are
 * killed and its links are cut, and what a lossless consumer gets is looked at buffer by buffer.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { attachConsumer } from '../../client-lib/input/consumer-link.js';
import { openInputFlow, reattachInputFlow, type InputFlow } from '../../client-lib/input/input-flow.js';
import {
  attachOutputFlow,
  reattachOutputFlow,
  type OutputFlow,
} from '../../client-lib/output/output-flow.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { CuttingProxy } from '../fixtures/cutting-proxy.js';
import { TestProcess } from '../fixtures/child-process.js';
import { fillChecked, problemOf } from '../fixtures/checked-payload.js';
import { eventually } from './whole-system.js';

const SIZE = 20_000;
const BUFFERS = 512;

/** One host: a duplicator of the flow, which can be killed and started again. */
class Host {
  readonly directory: string;
  readonly #root: string;
  readonly #args: readonly string[];
  #program: TestProcess | undefined;

  constructor(root: string, name: string, args: readonly string[]) {
    this.#root = root;
    this.directory = join(root, name);
    this.#args = args;
    mkdirSync(join(this.directory, 'links'), { recursive: true, mode: 0o750 });
  }

  get opened() {
    return {
      handle: 1,
      flow: 'events',
      type: 'bytes',
      file: join(this.directory, 'flows', 'test', 'events.flow'),
      link: join(this.directory, 'links', 'test@events.sock'),
    };
  }

  get program(): TestProcess {
    if (this.#program === undefined) throw new Error('the duplicator was not started');
    return this.#program;
  }

  /** Starts its duplicator; answers with the port it serves at. */
  async start(serve: string): Promise<number> {
    const places = ['--directory', this.directory, '--flow-dir', join(this.directory, 'flows')];
    // However slow this machine is, whoever was killed is waited for.
    const patience = ['--reattach', '600000', '--start-timeout', '60000'];
    const names = [
      ...patience,
      '--app',
      'test',
      '--flow',
      'events',
      '--secret-file',
      join(this.#root, 'secret'),
    ];
    const program = new TestProcess(
      'duplicator/main',
      [...names, ...places, ...this.#args, '--serve', serve],
      {
        MIRRORFLOW_LOG_FORMAT: 'json',
      },
    );
    this.#program = program;
    await program.until(() => program.errors.includes('"message":"ready"'));
    return Number(/"address":"tcp:\/\/127\.0\.0\.1:(\d+)"/.exec(program.errors)?.[1]);
  }

  async kill(): Promise<void> {
    await this.program.kill();
  }

  async close(): Promise<void> {
    await this.#program?.kill('SIGTERM');
  }
}

/**
 * Takes buffers until it has the one before `until`; comes back to a restarted duplicator by
 * itself.
 */
class Taker {
  readonly sequences: number[] = [];
  readonly wrong: string[] = [];
  readonly #input: InputFlow;
  readonly done: Promise<void>;

  private constructor(input: InputFlow, until: number) {
    this.#input = input;
    this.done = this.#take(until);
  }

  /** Where it was when a duplicator had gone, and where it went on. */
  readonly story: string[] = [];

  static async at(host: Host, until: number): Promise<Taker> {
    const input = await openInputFlow(host.opened, { inline: true }, 'hold');
    const taker = new Taker(input, until);
    input.on('detached', () => {
      taker.story.push(`detached behind ${taker.sequences.at(-1)}`);
      void comeBack(() => reattachInputFlow(input, host.opened)).then(() =>
        taker.story.push(`back behind ${taker.sequences.at(-1)} with ${input.lost} lost`),
      );
    });
    return taker;
  }

  get lost(): number {
    return this.#input.lost;
  }

  close(): Promise<void> {
    return this.#input.close();
  }

  async #take(until: number): Promise<void> {
    while ((this.sequences.at(-1) ?? -1) < until - 1) {
      const buffer = await this.#input.take();
      if (buffer === undefined) return;
      const problem = problemOf(Buffer.from(buffer.data), 0, buffer.sequence);
      if (problem !== undefined) this.wrong.push(`${buffer.sequence}: ${problem}`);
      this.sequences.push(buffer.sequence);
      buffer.release();
    }
  }
}

async function comeBack(reattach: () => Promise<void>): Promise<void> {
  await eventually('a restarted duplicator', () =>
    reattach().then(
      () => true,
      () => false,
    ),
  );
}

describe('a flow between hosts, as processes', () => {
  let root: string;
  const hosts: Host[] = [];
  const takers: Taker[] = [];
  const outputs: OutputFlow[] = [];
  const proxies: CuttingProxy[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    writeFileSync(join(root, 'secret'), 'a secret of these hosts', { mode: 0o600 });
  });

  afterEach(async () => {
    for (const taker of takers.splice(0)) await taker.close();
    for (const output of outputs.splice(0)) output.destroy();
    for (const host of hosts.splice(0).toReversed()) await host.close();
    for (const proxy of proxies.splice(0)) await proxy.close();
    rmSync(root, { recursive: true, force: true });
  });

  function host(name: string, args: readonly string[]): Host {
    const made = new Host(root, name, args);
    hosts.push(made);
    return made;
  }

  const first = (): Host =>
    host('a', ['--direction', 'output', '--buffers', String(BUFFERS), '--buffer-size', String(SIZE)]);
  const free = 'tcp://127.0.0.1:0';
  const at = (port: number): string => `tcp://127.0.0.1:${port}`;

  async function provide(on: Host): Promise<OutputFlow> {
    const output = await attachOutputFlow(on.opened, { bufferSize: SIZE, buffers: BUFFERS });
    output.on('detached', () => void comeBack(() => reattachOutputFlow(output, on.opened)));
    outputs.push(output);
    return output;
  }

  async function taker(on: Host, until: number): Promise<Taker> {
    const made = await Taker.at(on, until);
    takers.push(made);
    return made;
  }

  async function write(output: OutputFlow, from: number, to: number): Promise<void> {
    for (let sequence = from; sequence < to; sequence += 1) {
      const slot = await output.reserve();
      fillChecked(slot.data, SIZE, 0, sequence);
      slot.commit(SIZE);
      if (sequence % 64 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  const all = (count: number): number[] => Array.from({ length: count }, (_, sequence) => sequence);

  for (const killed of ['receiving', 'sending'] as const) {
    it(`loses nothing when the ${killed} duplicator is killed and started again`, async () => {
      const a = first();
      const port = await a.start(free);
      const b = host('b', ['--source', at(port)]);
      await b.start(free);
      const output = await provide(a);
      const got = await taker(b, 4_000);
      const writing = write(output, 0, 4_000);
      for (const reached of [500, 1_500, 2_500]) {
        await eventually(`buffer ${reached}`, () => got.sequences.length >= reached);
        await (killed === 'receiving' ? b : a).kill();
        if (killed === 'receiving') await b.start(free);
        else await a.start(at(port));
      }
      await Promise.all([writing, got.done]);
      expect(got.sequences).to.deep.equal(all(4_000));
      expect([got.lost, got.wrong]).to.deep.equal([0, []]);
    });
  }

  it('has all of its ring for a consumer that had read nothing of it when the receiving duplicator was killed', async () => {
    const a = first();
    const b = host('b', ['--source', at(await a.start(free))]);
    await b.start(free);
    const output = await provide(a);
    const slow = await attachConsumer(b.opened, { delivery: 'lossless', start: 'oldest' });
    const writing = write(output, 0, BUFFERS + 100);
    await eventually('a full ring', () => slow.file.published === BUFFERS);
    await b.kill();
    slow.close();
    await b.start(free);
    const start = { epoch: slow.reader.epoch, sequence: slow.reader.next };
    const again = await attachConsumer(b.opened, { delivery: 'lossless', start });
    await eventually('the rest', () => {
      while (again.reader.peek() === 'ready') again.reader.advance();
      again.acknowledge(again.reader.next, false);
      return again.reader.next === BUFFERS + 100;
    });
    await writing;
    expect([again.missedAtStart, again.reader.missed]).to.deep.equal([0, 0]);
    again.close();
  });

  it('goes through a chain of three hosts to twenty consumers on each, while the middle one is killed and links are cut', async () => {
    const a = first();
    const toB = await CuttingProxy.before(await a.start(free));
    proxies.push(toB);
    const b = host('b', ['--source', toB.address]);
    const middle = await b.start(free);
    const toC = await CuttingProxy.before(middle);
    proxies.push(toC);
    const c = host('c', ['--source', toC.address]);
    await c.start(free);
    const count = 1_500;
    const got = await Promise.all([a, b, c].flatMap((on) => all(20).map(() => taker(on, count))));
    const output = await provide(a);
    const writing = write(output, 0, count);
    const reached = (sequences: number): Promise<unknown> =>
      eventually(`buffer ${sequences}`, () => got.every((one) => one.sequences.length >= sequences));
    await reached(200);
    toB.cut();
    await reached(500);
    toC.cut();
    await reached(800);
    await b.kill();
    await b.start(at(middle));
    await Promise.all([writing, ...got.map(({ done }) => done)]);
    for (const [index, one] of got.entries()) {
      const missing = all(count).filter((sequence) => !one.sequences.includes(sequence));
      const logs = missing.length === 0 ? '' : [a, b, c].map(({ program }) => program.errors).join('---\n');
      const what = `consumer ${index}, which counted ${one.lost} lost: ${one.story.join(', ')}\n${logs}`;
      expect(missing, what).to.deep.equal([]);
      expect(one.sequences).to.deep.equal(all(count));
      expect([one.lost, one.wrong]).to.deep.equal([0, []]);
    }
    // What was on its way when a link was cut went twice; each buffer otherwise once, however many
    // want it.
    for (const { passedBytes } of [toB, toC])
      expect(passedBytes).to.be.within(count * SIZE, count * (SIZE + 32) + 3 * BUFFERS * SIZE);
    expect(openFlowFile(c.opened.file, 'read').counter(COUNTERS.missing.id)).to.equal(0);
  });

  it('leaves nothing behind on either host', async () => {
    const a = first();
    const b = host('b', ['--source', at(await a.start(free))]);
    await b.start(free);
    await b.close();
    await a.close();
    for (const { directory } of [a, b]) {
      expect(readdirSync(join(directory, 'links'))).to.deep.equal([]);
      expect(readdirSync(join(directory, 'flows', 'test'))).to.deep.equal([]);
    }
  });
});
