/** Recorded moments, time lines and trends, read by the real thread from real files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { systemClock } from '../../../../protocol/base/clock.js';
import { Recording } from '../../../../recorder/read/recording.js';
import type { Timeline } from '../../../../web/wire/recording.js';
import type { Moment } from '../../../../web/server/past/moment.js';
import { ASKED_MOMENTS_MAX, Past } from '../../../../web/server/past/past.js';
import { failureOf } from '../../../kit/failure-of.js';
import { silent } from '../../../kit/silent-log.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';
import { placesOf, recordToy, START_MS } from './toy-recording.js';

const NEVER = new AbortController().signal;

describe('the recorded past of an application', () => {
  let directory: TemporaryDirectory;
  let past: Past;

  before(async () => {
    directory = new TemporaryDirectory();
    await recordToy(
      directory.file('e1-20270301T120000Z.mcap'),
      [0, 20],
      [
        { second: 0, number: '7', state: 'Active' },
        { second: 15, number: '7', state: 'Halted' },
      ],
    );
    await recordToy(
      directory.file('e1-20270301T120021Z.mcap'),
      [21, 40],
      [
        { second: 15, number: '7', state: 'Halted' },
        { second: 30, number: '8', state: 'Active' },
      ],
    );
    await recordToy(directory.file('e1-20270301T130000Z.mcap'), [3_600, 3_610]);
    // Another application, whose name begins with that of this one, and a file that is none.
    await recordToy(directory.file('e1-2-20270301T120000Z.mcap'), [100, 110], [], 'e1-2');
    writeFileSync(directory.file('e1-20270301T140000Z.mcap'), 'not a recording');
  });

  beforeEach(() => {
    past = new Past({ places: placesOf(directory.path), clock: systemClock, log: silent });
  });

  afterEach(() => past.close());

  after(() => directory.remove());

  async function momentAt(second: number): Promise<Moment> {
    const moment = past.acquire('e1', START_MS + second * 1_000);
    while (!moment.isSettled) await new Promise((resolve) => past.once('settled', resolve));
    return moment;
  }

  async function countAt(second: number): Promise<number | undefined> {
    const moment = await momentAt(second);
    const count = moment.acquire('ramp').counts[2];
    past.release(moment);
    return count;
  }

  it('a moment has the counts of the newest publication up to it, forward, backward and across files', async () => {
    for (const second of [0, 5, 6, 20, 21, 40, 3, 3_605, 10]) expect(await countAt(second)).to.equal(second);
    expect(await countAt(5.4), 'between two publications').to.equal(5);
    expect(await countAt(1_000), 'in a gap').to.equal(40);
    const moment = await momentAt(5.4);
    expect(moment.publication).to.deep.equal({ atMs: START_MS + 5_000, sequence: 5 });
    expect(moment.shown?.spectra.map(({ name }) => name)).to.deep.equal(['ramp', 'map']);
  });

  it('a moment before the recording states where the recording begins', async () => {
    const moment = await momentAt(-1);
    expect(moment.problem).to.equal(
      'no spectra were recorded up to that moment; the recording begins at 2027-03-01T12:00:00.000Z',
    );
  });

  it('a damaged chunk is reported for its moments, and the others stay readable', async () => {
    const path = directory.file('e1-20270301T120021Z.mcap');
    const whole = readFileSync(path);
    const bytes = Buffer.from(whole);
    const file = new Recording([path]);
    const { chunks } = file.files[0]!.summary;
    expect(chunks.length).to.be.above(1);
    const { offset, bytes: length } = chunks.at(-1)!;
    file.close();
    bytes[offset + Math.floor(length / 2)]! ^= 0x55;
    try {
      writeFileSync(path, bytes);
      expect((await momentAt(40)).problem).to.match(/e1-20270301T120021Z\.mcap is damaged/);
      expect(await countAt(20)).to.equal(20);
      expect(await countAt(3_601)).to.equal(3_601);
    } finally {
      writeFileSync(path, whole);
    }
  });

  it('an application without recordings has an empty time line, and its moments state the reason', async () => {
    const timeline = await new Promise<Timeline>((resolve) => {
      const stop = past.followTimeline('e9', (received) => {
        stop();
        resolve(received);
      });
    });
    expect(timeline.spans).to.deep.equal([]);
    const read = past.withMoment('e9', START_MS, () => 'read');
    expect(await failureOf(read)).to.deep.include({
      code: 'BAD_OPTION',
      message: 'there are no recordings of e9',
    });
  });

  it('views of one moment share it, and one that no view shows any more is not read', async () => {
    const [first, second] = [past.acquire('e1', START_MS + 1_000), past.acquire('e1', START_MS + 1_000)];
    expect(first).to.equal(second);
    // Passed by while the first is read.
    const passed = [2, 3, 4].map((at) => past.acquire('e1', START_MS + at * 1_000));
    for (const moment of passed) past.release(moment);
    await momentAt(5);
    expect(first.isSettled).to.equal(true);
    expect(passed.map(({ isSettled }) => isSettled)).to.deep.equal([false, false, false]);
  });

  it('requests for many moments at once leave the pages theirs', async () => {
    const asked = Array.from({ length: 300 }, (_, index) =>
      failureOf(past.withMoment('e1', START_MS + index, () => undefined)),
    );
    const moment = await momentAt(40);
    expect(moment.problem).to.equal(undefined);
    past.release(moment);
    const refused = (await Promise.all(asked)).filter(({ code }) => code === 'LIMIT_REACHED');
    expect(refused.length).to.equal(300 - ASKED_MOMENTS_MAX);
    expect(await past.withMoment('e1', START_MS + 5_000, ({ publication }) => publication.sequence)).to.equal(
      5,
    );
  });

  it('the time line has times, runs and unreadable files of this application only', async () => {
    const timeline = await new Promise<Timeline>((resolve) => {
      const stop = past.followTimeline('e1', (received) => {
        stop();
        resolve(received);
      });
    });
    const at = (second: number): number => START_MS + second * 1_000;
    expect(timeline).to.deep.equal({
      spans: [
        [at(0), at(40)],
        [at(3_600), at(3_610)],
      ],
      runs: [
        { atMs: at(0), number: '7', state: 'Active', title: 'toy' },
        { atMs: at(15), number: '7', state: 'Halted', title: 'toy' },
        { atMs: at(30), number: '8', state: 'Active', title: 'toy' },
      ],
      stepMs: 1_000,
      unreadable: 1,
    });
  });

  it('a trend has the sum at the end of each step, of a spectrum or a region, and null where nothing was recorded', async () => {
    const whole = { spectrum: 'ramp', region: undefined, fromMs: START_MS, points: 6 };
    const first = await past.trend('e1', { ...whole, toMs: START_MS + 30_000 }, NEVER);
    expect(first.sums).to.deep.equal([5, 10, 15, 20, 25, 30]);
    // Between key frames, and through every publication.
    for (const points of [2, 30]) {
      const { sums } = await past.trend('e1', { ...whole, points, toMs: START_MS + 30_000 }, NEVER);
      expect(sums).to.deep.equal(Array.from({ length: points }, (_, index) => ((index + 1) * 30) / points));
    }
    const region = { x: [0, 2] } as const;
    const beside = await past.trend('e1', { ...whole, region, toMs: START_MS + 30_000 }, NEVER);
    expect(beside.sums).to.deep.equal([0, 0, 0, 0, 0, 0]);
    const map = { ...whole, spectrum: 'map', region: { x: [1, 2], y: [1, 2] } as const };
    const cell = await past.trend('e1', { ...map, toMs: START_MS + 30_000 }, NEVER);
    expect(cell.sums).to.deep.equal([5, 10, 15, 20, 25, 30]);
    const gap = await past.trend(
      'e1',
      { ...whole, fromMs: START_MS + 3_580_000, toMs: START_MS + 3_610_000 },
      NEVER,
    );
    expect(gap.sums).to.deep.equal([null, null, null, 3_600, 3_605, 3_610]);
    const absent = await past.trend(
      'e1',
      { ...whole, spectrum: 'none', points: 1, toMs: START_MS + 9_000 },
      NEVER,
    );
    expect(absent.sums).to.deep.equal([null]);
  });

  it('one trend is read at a time, and moments are read meanwhile', async () => {
    const request = {
      spectrum: 'ramp',
      region: undefined,
      fromMs: START_MS,
      toMs: START_MS + 40_000,
      points: 2_000,
    };
    const trend = past.trend('e1', request, NEVER);
    expect((await failureOf(past.trend('e1', request, NEVER))).message).to.match(
      /another trend is being read/,
    );
    let trended = false;
    void trend.then(() => (trended = true));
    expect(await countAt(8)).to.equal(8);
    expect(trended, 'the moment came first').to.equal(false);
    expect((await trend).sums.at(-1)).to.equal(40);
  });
});
