/** The files of one recording: when another begins, and which of the old ones are removed. */
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { MirrorflowError } from '../../protocol/base/errors.js';
import { describeRecording } from '../../recorder/read/verify.js';
import { Series, type SeriesOptions } from '../../recorder/record/series.js';
import { ManualClock } from '../kit/manual-clock.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const HOUR_MS = 3_600_000;

describe('the files of a recording', () => {
  let directory: TemporaryDirectory;
  let clock: ManualClock;
  let failures: MirrorflowError[];

  beforeEach(() => {
    directory = new TemporaryDirectory();
    clock = new ManualClock();
    failures = [];
  });

  afterEach(() => {
    directory.remove();
    expect(failures).to.deep.equal([]);
  });

  function begin(options: Partial<SeriesOptions> = {}): Promise<Series> {
    return Series.begin({
      application: 'e1',
      directory: directory.path,
      flows: ['events'],
      clock,
      onFailure: (error) => failures.push(error),
      ...options,
    });
  }

  /** A file of `bytes` that was last written so many hours ago. */
  function old(name: string, hours: number, bytes = 1_000): string {
    const path = directory.file(name);
    writeFileSync(path, Buffer.alloc(bytes));
    const time = Date.now() / 1_000 - (hours * HOUR_MS) / 1_000;
    utimesSync(path, time, time);
    return name;
  }

  const others = (series: Series): string[] =>
    readdirSync(directory.path).filter((name) => !series.paths.includes(directory.file(name)));

  it('files beyond the age are removed when a recording begins, others and those of other programs stay', async () => {
    old('e1-20270101T000000Z.mcap', 50);
    old('e1-20270101T000000Z-2.mcap', 49);
    const kept = [
      old('e1-20270102T000000Z.mcap', 47),
      old('e1.replay-20270101T000000Z.mcap', 500),
      old('e10-20270101T000000Z.mcap', 500),
      old('e1-notes.mcap', 500),
      old('e1-20270101T000000Z.txt', 500),
    ];
    const series = await begin({ keepMs: 48 * HOUR_MS });
    expect(others(series).toSorted()).to.deep.equal(kept.toSorted());
    await series.close();
  });

  it('a file that its recorder was killed beginning is removed when the next recording begins', async () => {
    old('e1-20270101T000000Z.mcap.new', 1);
    const kept = [
      old('e1-20270102T000000Z.mcap.new', 0),
      old('e2-20270101T000000Z.mcap.new', 1),
      old('e1-notes.new', 1),
    ];
    const series = await begin({});
    expect(others(series).toSorted()).to.deep.equal(kept.toSorted());
    await series.close();
  });

  it('beyond the total size the oldest files are removed first', async () => {
    old('e1-20270103T000000Z.mcap', 1, 4_000);
    old('e1-20270101T000000Z.mcap', 3, 4_000);
    old('e1-20270102T000000Z.mcap', 2, 4_000);
    const series = await begin({ keepBytes: 9_000 });
    expect(others(series).toSorted()).to.deep.equal(['e1-20270102T000000Z.mcap', 'e1-20270103T000000Z.mcap']);
    await series.close();
  });

  it('nothing is removed without a limit', async () => {
    old('e1-20270101T000000Z.mcap', 50_000, 4_000);
    const series = await begin();
    expect(others(series)).to.deep.equal(['e1-20270101T000000Z.mcap']);
    await series.close();
  });

  it('a new file begins at the age, and the one before is finished; not earlier', async () => {
    const series = await begin({ rotateMs: HOUR_MS });
    clock.advance(HOUR_MS - 1);
    await series.rotateIfDue();
    expect(series.number).to.equal(1);
    clock.advance(1);
    await series.rotateIfDue();
    expect(series.number).to.equal(2);
    await series.close();
    expect(series.paths.map((path) => describeRecording(path).status)).to.deep.equal([
      'finished',
      'finished',
    ]);
    expect(new Set(series.paths).size).to.equal(2);
  });

  it('a new file begins at the size, and the oldest of the recording itself goes with the limit', async () => {
    const series = await begin({ rotateBytes: 10_000, keepBytes: 25_000, chunkBytes: 2_000 });
    const channel = (): number =>
      series.file.addChannel({ topic: 'a', messageEncoding: 'x', schemaId: 0, metadata: new Map() });
    for (let number = 1; number <= 5; number += 1) {
      const id = channel();
      for (let index = 0; series.file.bytes < 10_000; index += 1)
        await series.file.write(id, index, 1_000 + index, Buffer.alloc(1_000));
      await series.file.sync();
      await series.rotateIfDue();
      expect(series.number).to.equal(number + 1);
    }
    await series.close();
    const [first = ''] = series.paths;
    expect(readdirSync(directory.path)).to.have.length.below(series.paths.length);
    expect(readdirSync(directory.path).map((name) => directory.file(name))).not.to.include(first);
    expect(readdirSync(directory.path).map((name) => directory.file(name))).to.include(series.file.path);
  });
});
