/**
 * Flows between hosts as real processes: each host has directories of its own, its duplicators are
 * killed and its links are cut, and the payload of every received buffer is checked.
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
import {
  duplicatorArguments,
  type DuplicatorDocument,
} from '../../protocol/rpc/contract/duplicator-options.js';
import { CuttingProxy } from '../kit/cutting-proxy.js';
import { TestProcess } from '../kit/test-process.js';
import { fillChecked, problemOf } from '../kit/checked-payload.js';
import { eventually } from '../kit/eventually.js';

const SIZE = 20_000;
const BUFFERS = 512;

/** The flow's duplicator on one host, which can be killed and started again. */
class Host {
  readonly directory: string;
  readonly #root: string;
  /** Undefined for the host of the provider. */
  readonly #source: string | undefined;
  #program: TestProcess | undefined;

  constructor(root: string, name: string, source?: string) {
    this.#root = root;
    this.directory = join(root, name);
    this.#source = source;
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

  /** As for a provider. */
  get openedToProvide() {
    return { ...this.opened, link: join(this.directory, 'links', 'test@events.provide.sock') };
  }

  get program(): TestProcess {
    if (this.#program === undefined) throw new Error('the duplicator was not started');
    return this.#program;
  }

  /** Starts the duplicator; `serve` is its listening address. Resolves with the port. */
  async start(serve: string): Promise<number> {
    const options = {
      application: 'test',
      directory: this.directory,
      flowDirectory: join(this.directory, 'flows'),
      secretFile: join(this.#root, 'secret'),
      // Long enough for a killed peer to return on a busy machine.
      reattachMs: 600_000,
      startTimeoutMs: 60_000,
    };
    const program = new TestProcess('duplicator/main', this.#words(serve, options), {
      MIRRORFLOW_LOG_FORMAT: 'json',
    });
    this.#program = program;
    await program.ready();
    return Number(/"address":"tcp:\/\/127\.0\.0\.1:(\d+)"/.exec(program.errors)?.[1]);
  }

  async kill(): Promise<void> {
    await this.program.kill();
  }

  /** An output listens on the port of its command line, an input that serves on on `listen`. */
  #words(serve: string, options: DuplicatorDocument): string[] {
    const flow = 'events';
    const source = this.#source;
    if (source !== undefined) {
      return duplicatorArguments({
        flow,
        direction: 'input',
        source,
        options: { ...options, listen: serve },
      });
    }
    const colon = serve.lastIndexOf(':');
    const port = Number(serve.slice(colon + 1));
    const sizes = { bufferSize: SIZE, buffers: BUFFERS };
    const listen = serve.slice(0, colon);
    return duplicatorArguments({
      flow,
      direction: 'output',
      ...sizes,
      port,
      options: { ...options, listen },
    });
  }

  async close(): Promise<void> {
    await this.#program?.kill('SIGTERM');
  }
}

/** Takes buffers up to sequence `until` - 1; reattaches to a restarted duplicator. */
class Taker {
  readonly sequences: number[] = [];
  readonly wrong: string[] = [];
  readonly #input: InputFlow;
  readonly done: Promise<void>;

  private constructor(input: InputFlow, until: number) {
    this.#input = input;
    this.done = this.#take(until);
  }

  /** Positions at which duplicators were lost and reattached, for error messages. */
  readonly events: string[] = [];

  static async at(host: Host, until: number): Promise<Taker> {
    const input = await openInputFlow(host.opened, { inline: true }, 'hold');
    const taker = new Taker(input, until);
    input.on('detached', () => {
      taker.events.push(`detached after ${taker.sequences.at(-1)}`);
      void retryUntilDone(() => reattachInputFlow(input, host.opened)).then(() =>
        taker.events.push(`reattached after ${taker.sequences.at(-1)} with ${input.lost} lost`),
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

async function retryUntilDone(reattach: () => Promise<void>): Promise<void> {
  await eventually(
    () =>
      reattach().then(
        () => true,
        () => false,
      ),
    'a restarted duplicator accepts the client',
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

  function host(name: string, source?: string): Host {
    const made = new Host(root, name, source);
    hosts.push(made);
    return made;
  }

  const providerHost = (): Host => host('a');
  const anyPort = 'tcp://127.0.0.1:0';
  const loopback = (port: number): string => `tcp://127.0.0.1:${port}`;

  async function provide(on: Host): Promise<OutputFlow> {
    const output = await attachOutputFlow(on.openedToProvide, { bufferSize: SIZE, buffers: BUFFERS });
    output.on('detached', () => void retryUntilDone(() => reattachOutputFlow(output, on.openedToProvide)));
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
    it(`a flow between hosts loses nothing when the ${killed} duplicator is killed and restarted`, async () => {
      const a = providerHost();
      const port = await a.start(anyPort);
      const b = host('b', loopback(port));
      await b.start(anyPort);
      const output = await provide(a);
      const got = await taker(b, 4_000);
      const writing = write(output, 0, 4_000);
      for (const reached of [500, 1_500, 2_500]) {
        await eventually(() => got.sequences.length >= reached, `buffer ${reached}`);
        await (killed === 'receiving' ? b : a).kill();
        if (killed === 'receiving') await b.start(anyPort);
        else await a.start(loopback(port));
      }
      await Promise.all([writing, got.done]);
      expect(got.sequences).to.deep.equal(all(4_000));
      expect([got.lost, got.wrong]).to.deep.equal([0, []]);
    });
  }

  it('a restarted receiving duplicator still has its whole ring for a consumer that had read nothing', async () => {
    const a = providerHost();
    const b = host('b', loopback(await a.start(anyPort)));
    await b.start(anyPort);
    const output = await provide(a);
    const slow = await attachConsumer(b.opened, { delivery: 'lossless', start: 'oldest' });
    const writing = write(output, 0, BUFFERS + 100);
    await eventually(() => slow.file.published === BUFFERS, 'the ring is full');
    await b.kill();
    slow.close();
    await b.start(anyPort);
    const start = { epoch: slow.reader.epoch, sequence: slow.reader.next };
    const again = await attachConsumer(b.opened, { delivery: 'lossless', start });
    await eventually(() => {
      while (again.reader.peek() === 'ready') again.reader.advance();
      again.acknowledge(again.reader.next, false);
      return again.reader.next === BUFFERS + 100;
    }, 'the consumer has read the rest');
    await writing;
    expect([again.missedAtStart, again.reader.missed]).to.deep.equal([0, 0]);
    again.close();
  });

  it('a chain of three hosts delivers to twenty consumers each while the middle one is killed and links are cut', async () => {
    const a = providerHost();
    const toB = await CuttingProxy.before(await a.start(anyPort));
    proxies.push(toB);
    const b = host('b', toB.address);
    const middle = await b.start(anyPort);
    const toC = await CuttingProxy.before(middle);
    proxies.push(toC);
    const c = host('c', toC.address);
    await c.start(anyPort);
    const count = 1_500;
    const got = await Promise.all([a, b, c].flatMap((on) => all(20).map(() => taker(on, count))));
    const output = await provide(a);
    const writing = write(output, 0, count);
    const reached = (sequences: number): Promise<unknown> =>
      eventually(() => got.every((one) => one.sequences.length >= sequences), `buffer ${sequences}`);
    await reached(200);
    toB.cut();
    await reached(500);
    toC.cut();
    await reached(800);
    await b.kill();
    await b.start(loopback(middle));
    await Promise.all([writing, ...got.map(({ done }) => done)]);
    for (const [index, one] of got.entries()) {
      const missing = all(count).filter((sequence) => !one.sequences.includes(sequence));
      const logs = missing.length === 0 ? '' : [a, b, c].map(({ program }) => program.errors).join('---\n');
      const details = `consumer ${index} with ${one.lost} lost buffers: ${one.events.join(', ')}\n${logs}`;
      expect(missing, details).to.deep.equal([]);
      expect(one.sequences).to.deep.equal(all(count));
      expect([one.lost, one.wrong]).to.deep.equal([0, []]);
    }
    // Each buffer crosses a link once for any number of consumers, except buffers that were in
    // transit at a cut.
    for (const { passedBytes } of [toB, toC])
      expect(passedBytes).to.be.within(count * SIZE, count * (SIZE + 32) + 3 * BUFFERS * SIZE);
    expect(openFlowFile(c.opened.file, 'read').counter(COUNTERS.missing.id)).to.equal(0);
  });

  it('duplicators of a flow between hosts leave no file and no socket behind', async () => {
    const a = providerHost();
    const b = host('b', loopback(await a.start(anyPort)));
    await b.start(anyPort);
    await b.close();
    await a.close();
    for (const { directory } of [a, b]) {
      expect(readdirSync(join(directory, 'links'))).to.deep.equal([]);
      expect(readdirSync(join(directory, 'flows', 'test'))).to.deep.equal([]);
    }
  });
});
