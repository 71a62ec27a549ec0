/**
 * Tests what a recorder loses, and whether it holds the provider back, when its disk is slower than
 * the flow. Starts real servers and clients; the disk is an object that accepts nothing until the
 * test releases it.
 */
import { expect } from 'chai';
import type { Client, OutputFlow } from '../../client-lib/index.js';
import { FlowRecorder } from '../../recorder/record/flow-recorder.js';
import type { Series } from '../../recorder/record/series.js';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';

const BUFFER_BYTES = 2 ** 20;
const RING_BUFFERS = 8;
/** The history of a recorder has 64 MiB. */
const HISTORY_BUFFERS = 64;
/** More buffers than ring and history hold. */
const WRITTEN = 3 * HISTORY_BUFFERS;

/** Accepts nothing until it is released, then everything. */
class SlowDisk {
  readonly sequences: number[] = [];
  #release: () => void = () => undefined;
  readonly #released = new Promise<void>((resolve) => (this.#release = resolve));
  #isReleased = false;

  release(): void {
    this.#isReleased = true;
    this.#release();
  }

  /** The part of a series that the recorder of a flow uses. */
  get series(): Series {
    const { sequences } = this;
    const isReleased = (): boolean => this.#isReleased;
    const file = {
      addChannel: () => 0,
      addSchema: () => 0,
      roomFor: () => (isReleased() ? 1 : 0),
      ready: () => this.#released,
      append(_channel: number, sequence: number): boolean {
        if (isReleased()) sequences.push(sequence);
        return isReleased();
      },
    };
    return { number: 1, file, rotateIfDue: () => Promise.resolve() } as unknown as Series;
  }
}

describe('a recorder whose disk is slower than the flow', () => {
  let system: RealSystem;
  let provider: Client;
  let output: OutputFlow;
  let disk: SlowDisk;
  let recorder: FlowRecorder;
  let running: Promise<void>;
  let ending: AbortController;

  afterEach(async function () {
    disk.release();
    ending.abort();
    await running;
    await system.stop(this.currentTest?.state === 'failed');
  });

  async function start(options: { readonly hold?: boolean; readonly lossy?: boolean }): Promise<void> {
    system = new RealSystem();
    await system.startHost('e1');
    provider = await system.client('e1');
    output = await provider.openOutput('events', { bufferSize: BUFFER_BYTES, buffers: RING_BUFFERS });
    const client: Client = await system.client('e1', 'recorder');
    const { hold = false, lossy = false } = options;
    disk = new SlowDisk();
    ending = new AbortController();
    recorder = new FlowRecorder({
      client,
      flow: 'events',
      series: disk.series,
      hold,
      lossy,
      note: () => undefined,
    });
    running = recorder.run(ending.signal);
    await eventually(recorderRow, 'the recorder reads the flow');
  }

  /** The recorder among the consumers of the flow. */
  const recorderRow = async () => (await provider.flowConsumers('events')).at(0);

  async function write(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) await output.write(Buffer.alloc(16, index & 0xff));
  }

  const allFrom = (first: number): number[] =>
    Array.from({ length: WRITTEN - first }, (_, index) => first + index);

  it('a recorder with --hold holds the provider back and loses nothing', async () => {
    await start({ hold: true });
    let written = 0;
    const writing = (async () => {
      for (; written < WRITTEN; written += 1) await output.write(Buffer.alloc(16, written & 0xff));
    })();
    await eventually(
      async () => written >= HISTORY_BUFFERS && (await recorderRow())?.holding === true,
      'the recorder holds the provider back when its history is full',
    );
    expect(written).to.be.below(WRITTEN);
    expect(disk.sequences).to.deep.equal([]);
    disk.release();
    await writing;
    await eventually(() => disk.sequences.length === WRITTEN, 'every buffer is recorded');
    expect(disk.sequences).to.deep.equal(allFrom(0));
    expect(recorder.counts.lost).to.equal(0);
  });

  it('a recorder that ends while its disk is behind still writes the buffer that waits', async () => {
    await start({ hold: true });
    await write(1);
    await eventually(async () => (await recorderRow())?.lag === 0, 'the recorder has the buffer');
    ending.abort();
    disk.release();
    await running;
    expect(disk.sequences).to.deep.equal([0]);
  });

  for (const [options, what] of [
    [{ lossy: false }, 'without an option'],
    [{ lossy: true }, 'with --lossy'],
  ] as const) {
    it(`a recorder ${what} loses buffers and counts them, and the provider continues`, async () => {
      await start(options);
      await write(WRITTEN);
      expect(disk.sequences).to.deep.equal([]);
      disk.release();
      await eventually(
        () => recorder.counts.buffers + recorder.counts.lost === WRITTEN,
        'every buffer is recorded or counted as lost',
      );
      // A lossy one may be lapped in the ring before its history is full.
      const lostMax = options.lossy ? WRITTEN - 1 : WRITTEN - HISTORY_BUFFERS;
      expect(recorder.counts.lost).to.be.greaterThan(0).and.at.most(lostMax);
      expect(disk.sequences).to.deep.equal(disk.sequences.toSorted((one, other) => one - other));
      expect(new Set(disk.sequences).size).to.equal(recorder.counts.buffers);
      expect((await recorderRow())?.delivery).to.equal(options.lossy ? 'lossy' : 'lossless');
    });
  }
});
