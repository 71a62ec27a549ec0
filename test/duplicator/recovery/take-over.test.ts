/** Duplicators that are killed and replaced: real processes, flow files and consumers. */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { attachConsumer, type ConsumerLink } from '../../../client-lib/input/consumer-link.js';
import { attachOutputFlow, type OutputFlow } from '../../../client-lib/output/output-flow.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import { openImage } from '../../../protocol/flow/flow-file/image.js';
import { GENERATION_SHIFT } from '../../../protocol/flow/flow-file/layout.js';
import { openFlowFile } from '../../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../../protocol/flow/flow-file/ring-reader.js';
import { linkSocketPath, providerSocketPath } from '../../../protocol/base/paths.js';
import {
  duplicatorArguments,
  type DuplicatorDocument,
} from '../../../protocol/rpc/contract/duplicator-options.js';
import { FlowRig } from '../flow-rig.js';

import { TestRuntime } from '../../kit/test-runtime.js';
import { damageHeader } from '../../protocol/flow/flow-file/damage.js';
import { TestProcess, compiled } from '../../kit/test-process.js';
import { CuttingProxy } from '../../kit/cutting-proxy.js';
import { eventually } from '../../kit/eventually.js';

const BUFFERS = 8;

/** The duplicator of a local flow as a program that a test can kill. */
class LocalFlowProgram extends TestRuntime {
  readonly path = join(this.flowDirectory, 'test', 'events.flow');

  constructor() {
    super({ environment: { MIRRORFLOW_LOG_FORMAT: 'json' } });
    mkdirSync(join(this.directory, 'links'), { mode: 0o750 });
  }

  /** Resolves when the duplicator is ready. */
  async start(
    settings: Partial<DuplicatorDocument> = {},
    env: NodeJS.ProcessEnv = {},
    buffers = 8,
  ): Promise<TestProcess> {
    const { directory, flowDirectory } = this;
    const options = { application: 'test', directory, flowDirectory, ...settings };
    const flow = { flow: 'events', direction: 'output', bufferSize: 1000, buffers, options } as const;
    const program = this.program('duplicator/main', duplicatorArguments(flow), env);
    await program.ready();
    return program;
  }
}

describe('the successor of a killed duplicator', () => {
  let rig: LocalFlowProgram;
  const links: ConsumerLink[] = [];
  const outputs: OutputFlow[] = [];
  beforeEach(() => {
    rig = new LocalFlowProgram();
  });
  afterEach(async () => {
    for (const link of links.splice(0)) link.close();
    for (const output of outputs.splice(0)) output.destroy();
    await rig.end(true);
    rig.remove();
  });

  const opened = () => ({
    handle: 1,
    flow: 'events',
    type: 'bytes',
    file: rig.path,
    link: linkSocketPath(rig.directory, 'test', 'events'),
  });
  async function provider(): Promise<OutputFlow> {
    const link = providerSocketPath(rig.directory, 'test', 'events');
    const output = await attachOutputFlow({ ...opened(), link }, { bufferSize: 1000, buffers: BUFFERS });
    outputs.push(output);
    return output;
  }
  async function consumer(
    start: Parameters<typeof attachConsumer>[1]['start'] = 'oldest',
  ): Promise<ConsumerLink> {
    const link = await attachConsumer(opened(), { delivery: 'lossless', start });
    links.push(link);
    return link;
  }
  /** Writes buffers while there is credit; buffer n is filled with n. Returns their number. */
  function fill(output: OutputFlow): number {
    let written = 0;
    for (let slot = output.reserveNow(); slot !== undefined; slot = output.reserveNow()) {
      slot.data.fill(openFlowFile(rig.path, 'read').published % 251);
      slot.commit(1000);
      output.flush();
      written += 1;
    }
    return written;
  }
  /** Reads and acknowledges `count` buffers; each must be whole and of the next sequence. */
  function take(link: ConsumerLink, count: number): void {
    for (let taken = 0; taken < count; taken += 1) {
      const next = link.reader.next;
      expect(link.reader.peek()).to.equal('ready');
      expect(link.reader.sequence).to.equal(next);
      expect(link.reader.view().equals(Buffer.alloc(1000, next % 251))).to.equal(true);
      link.reader.advance();
    }
    link.acknowledge(link.reader.next, false);
  }

  it('a successor continues in the file of a killed duplicator, and a lossless consumer misses nothing', async () => {
    const first = await rig.start();
    const slow = await consumer();
    const before = await provider();
    expect(fill(before)).to.equal(BUFFERS);
    take(slow, 3);
    await eventually(() => {
      fill(before);
      return slow.file.published === BUFFERS + 3;
    }, 'three more');
    const { epoch } = slow.file;
    const inode = statSync(rig.path).ino;
    await first.kill();
    const next = await rig.start({ reattachMs: 600_000 });
    expect(next.errors).to.contain('the file of a dead owner was taken over');
    expect(statSync(rig.path).ino).to.equal(inode);
    expect(openFlowFile(rig.path, 'read').owner.pid).to.equal(next.pid);

    // The provider reattaches first and must not overwrite what the consumer has not read.
    const after = await provider();
    expect(fill(after)).to.equal(0);
    const again = await consumer({ epoch, sequence: slow.reader.next });
    expect(again.reader.next).to.equal(3);
    expect(again.missedAtStart).to.equal(0);
    take(again, BUFFERS);
    await eventually(() => {
      fill(after);
      return again.file.published === 2 * BUFFERS + 3;
    }, 'the provider to write again');
    take(again, BUFFERS);
    expect(again.reader.missed).to.equal(0);
    expect(again.file.epoch).to.equal(epoch);
  });

  it('after a take-over the buffers of the next provider have a new generation', async () => {
    const first = await rig.start();
    fill(await provider());
    await first.kill();
    await rig.start();
    const generation = (): number => {
      const reader = new RingReader(openFlowFile(rig.path, 'read'), 'newest');
      return reader.peek() === 'ready' ? reader.flags >>> GENERATION_SHIFT : 0;
    };
    expect(generation()).to.equal(1);
    fill(await provider());
    expect(generation()).to.equal(2);
  });

  it('a successor does not wait for ever for dead consumers', async () => {
    const first = await rig.start();
    const dead = await consumer();
    fill(await provider());
    await first.kill();
    dead.close();
    await rig.start({ reattachMs: 1 });
    const after = await provider();
    await eventually(() => fill(after) > 0, 'credit');
  });

  it('a second successor waits for the consumers that a killed first one expected', async () => {
    const first = await rig.start();
    const quick = await consumer();
    const late = await consumer();
    const { epoch } = late.file;
    fill(await provider());
    await first.kill();
    const second = await rig.start({ reattachMs: 600_000 });
    await consumer({ epoch, sequence: quick.reader.next });
    await second.kill();
    await rig.start({ reattachMs: 600_000 });
    const after = await provider();
    const again = await consumer({ epoch, sequence: quick.reader.next });
    take(again, BUFFERS);
    expect(openFlowFile(rig.path, 'read').counter(COUNTERS.awaited.id)).to.equal(1);
    expect(fill(after)).to.equal(0);
    const last = await consumer({ epoch, sequence: late.reader.next });
    expect([last.reader.next, last.missedAtStart]).to.deep.equal([0, 0]);
    take(last, BUFFERS);
    await eventually(() => fill(after) > 0, 'credit');
  });

  it('a successor notices by itself that an expected consumer was killed', async () => {
    const first = await rig.start();
    const slow = await consumer();
    const killed = new TestProcess('test/fixtures/lossless-consumer', [opened().link]);
    await killed.line();
    fill(await provider());
    await first.kill();
    await killed.kill();
    const next = await rig.start({ reattachMs: 600_000 });
    const again = await consumer({ epoch: slow.file.epoch, sequence: slow.reader.next });
    await next.until(() => next.errors.includes('are not expected any more'));
    expect(again.missedAtStart).to.equal(0);
    take(again, BUFFERS);
    const after = await provider();
    await eventually(() => fill(after) > 0, 'credit');
  });

  for (const [what, settings, buffers] of [
    ['the number of buffers', {}, 9],
    ['the type', { type: 'other' }, 8],
    ['the properties', { properties: { a: 1 } }, 8],
  ] as const) {
    it(`a successor makes a new file with a larger epoch when ${what} changed`, async () => {
      const first = await rig.start();
      fill(await provider());
      const { epoch } = openFlowFile(rig.path, 'read');
      await first.kill();
      const next = await rig.start(settings, {}, buffers);
      expect(next.errors).to.contain('the file of a dead owner is replaced');
      const file = openFlowFile(rig.path, 'read');
      expect([file.epoch > epoch, file.published]).to.deep.equal([true, 0]);
    });
  }

  it('a successor replaces a damaged file with one of a larger epoch, though that was in the future', async () => {
    const first = await rig.start();
    fill(await provider());
    // Only now: a living duplicator still handles the provider's last signal, and writes `granted`.
    await first.kill();
    const damaged = openFlowFile(rig.path, 'read-write');
    // As if the clock had been set back by an hour since.
    const epoch = damaged.epoch + 3_600_000_000;
    damaged.epoch = epoch;
    damaged.granted = 1;
    const next = await rig.start();
    expect(next.errors).to.contain('the file of a dead owner is replaced');
    expect(openFlowFile(rig.path, 'read').epoch).to.be.above(epoch);
  });

  for (const [word, starts, outcome] of [
    ['crash-once', 2, 'taken over'],
    ['crash', 2, 'is replaced'],
    ['hang', 2, 'is replaced'],
  ] as const) {
    it(`a successor starts a recovery program that does ${word} at most twice`, async () => {
      const first = await rig.start();
      fill(await provider());
      await first.kill();
      // A sound file would be taken over without the recovery program.
      damageHeader(openFlowFile(rig.path, 'read-write'), 'sourceState', 99);
      const list = join(rig.root, 'starts');
      const next = await rig.start(
        {},
        {
          MIRRORFLOW_RECOVERY: compiled('test/fixtures/recovery'),
          MIRRORFLOW_TEST_RECOVERY: `${word}:${list}`,
        },
      );
      expect(next.errors).to.contain(outcome);
      expect(readFileSync(list, 'utf8').trim().split('\n')).to.have.length(starts);
    });
  }
});

describe('the successor of a killed mirror duplicator', () => {
  const programs: TestProcess[] = [];
  let rig: FlowRig;
  beforeEach(async () => {
    rig = await FlowRig.make();
  });
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.kill()));
    await rig.close();
  });
  const run = async (source = rig.simulator.address): Promise<TestProcess> => {
    const program = new TestProcess('duplicator/main', rig.args({}, source), {
      MIRRORFLOW_LOG_FORMAT: 'json',
    });
    programs.push(program);
    await program.ready();
    return program;
  };
  const path = (): string => join(rig.flows, 'test', 'spectra.flow');

  it('a mirror successor writes to the image that its clients have mapped', async () => {
    const first = await run();
    const image = join(rig.flows, 'test', 'spectra.image');
    const mapped = openImage(image);
    const header = openFlowFile(path(), 'read');
    await first.kill();
    const { published, epoch } = header;
    const before = Buffer.from(mapped);
    const second = await run();
    expect(header.owner.pid).to.equal(first.pid);
    expect(openFlowFile(path(), 'read').owner.pid).to.equal(second.pid);
    await eventually(() => {
      rig.simulator.step(100);
      return header.published > published + 2 && !mapped.equals(before);
    }, 'publications in the file and image that were mapped before');
    expect(header.epoch).to.equal(epoch);
  });

  it('a mirror successor serves what was published before its source sends anything', async () => {
    const { restPort, mirrorPort } = rig.simulator;
    const proxy = await CuttingProxy.before(mirrorPort);
    try {
      const connect = `spectcl://127.0.0.1?rest=${restPort}&mirror=${new URL(proxy.address).port}`;
      const first = await run(connect);
      const header = openFlowFile(path(), 'read');
      await first.kill();
      const { published } = header;
      proxy.stall();
      await run(connect);
      expect([header.published, header.sourceState]).to.deep.equal([published, 'stale']);
      proxy.resume();
      await eventually(() => header.published > published && header.sourceState === 'live', 'an update');
    } finally {
      await proxy.close();
    }
  });
});
