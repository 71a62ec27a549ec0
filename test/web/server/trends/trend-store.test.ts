/** Trends on disk: restarts, full disks, torn and foreign files, and what is dropped. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFolder } from '../../../../protocol/base/installation.js';
import { STORE_LIMITS, TrendStore } from '../../../../web/server/trends/trend-store.js';
import { silent } from '../../../kit/silent-log.js';
import { eventually } from '../../../kit/eventually.js';
import { TestRuntime } from '../../../kit/test-runtime.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

const DAY = 1_440;
const FIRST = (Date.UTC(2027, 2, 1) / 60_000) | 0;
const value = (mean: number) => ({ mean, low: mean - 1, high: mean + 1 });

describe('the store of trends', () => {
  let directory: TemporaryDirectory;
  const stores: TrendStore[] = [];

  beforeEach(() => (directory = new TemporaryDirectory()));

  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
    directory.remove();
  });

  const folder = (): string => directory.file('e1');

  function open(limits = STORE_LIMITS, writeAt?: ConstructorParameters<typeof TrendStore>[3]): TrendStore {
    const store = new TrendStore(folder(), silent, limits, writeAt);
    stores.push(store);
    return store;
  }

  const means = async (store: TrendStore, key: string): Promise<number[]> =>
    (await store.points(key, 0, 1e15)).map(({ mean }) => mean);

  it('minutes are there after a restart, by what the trend measures', async () => {
    const first = open();
    first.append(FIRST, ['a', 'b'], [value(1), value(2)]);
    first.append(FIRST + 1, ['b'], [value(3)]);
    first.close();
    const next = open();
    expect(await means(next, 'a')).to.deep.equal([1]);
    expect(await means(next, 'b')).to.deep.equal([2, 3]);
    next.append(FIRST + 2, ['b'], [value(4)]);
    expect(await means(next, 'b')).to.deep.equal([2, 3, 4]);
    const restored: unknown[] = [];
    next.readMinutes(0, (minute, key, { mean }) => restored.push([minute - FIRST, key, mean]));
    expect(restored).to.deep.equal([
      [0, 'a', 1],
      [0, 'b', 2],
      [1, 'b', 3],
      [2, 'b', 4],
    ]);
  });

  it('a record that a killed writer left unfinished is cut off, and the file continues', async () => {
    const first = open();
    first.append(FIRST, ['a'], [value(1)]);
    first.close();
    const [name] = readdirSync(folder());
    appendFileSync(`${folder()}/${name}`, Buffer.from([40, 0, 0, 0, 1, 2, 3]));
    const next = open();
    next.append(FIRST + 1, ['a'], [value(2)]);
    expect(await means(next, 'a')).to.deep.equal([1, 2]);
  });

  it('on a full disk the minutes wait, nothing torn is left, and they are written when there is room', async () => {
    let room = Number.POSITIVE_INFINITY;
    const store = open(STORE_LIMITS, (fd, bytes, position) => {
      if (room === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      return writeSync(fd, bytes, 0, Math.min(room, bytes.length), position);
    });
    store.append(FIRST, ['a'], [value(1)]);
    expect(store.problem).to.equal(undefined);
    const [name] = readdirSync(folder()).filter((file) => file.endsWith('.trends'));
    const path = `${folder()}/${name}`;
    const sound = statSync(path).size;
    room = 5;
    store.append(FIRST + 1, ['a'], [value(2)]);
    expect(store.problem).to.include('disk is full');
    expect(statSync(path).size).to.equal(sound);
    room = 0;
    store.append(FIRST + 2, ['a'], [value(3)]);
    expect(store.problem).to.include('no space left');
    expect(statSync(path).size).to.equal(sound);
    room = Number.POSITIVE_INFINITY;
    store.append(FIRST + 3, ['a'], [value(4)]);
    expect(store.problem).to.equal(undefined);
    expect(await means(store, 'a')).to.deep.equal([1, 2, 3, 4]);
  });

  it('at most an hour of minutes waits', async () => {
    let isFull = true;
    const store = open(STORE_LIMITS, (fd, bytes, position) => {
      if (isFull) throw new Error('full');
      return writeSync(fd, bytes, 0, bytes.length, position);
    });
    for (let minute = 0; minute < 100; minute += 1) store.append(FIRST + minute, ['a'], [value(minute)]);
    isFull = false;
    store.append(FIRST + 100, ['a'], [value(100)]);
    const kept = await means(store, 'a');
    expect(kept).to.have.length(60);
    expect(kept[0]).to.equal(41);
  });

  it('files of more than the kept days are dropped, and the oldest when they take too many bytes', () => {
    const store = open({ days: 3, bytes: 1e9 });
    for (let day = 0; day < 6; day += 1) store.append(FIRST + day * DAY, ['a'], [value(day)]);
    const days = (): string[] => readdirSync(folder()).filter((name) => name.endsWith('.trends'));
    expect(days()).to.deep.equal(['2027-03-04.trends', '2027-03-05.trends', '2027-03-06.trends']);
    store.close();
    const small = open({ days: 30, bytes: 1 });
    small.append(FIRST + 6 * DAY, ['a'], [value(6)]);
    expect(days()).to.deep.equal(['2027-03-07.trends']);
  });

  it('a foreign file of the name of a day is put aside, not overwritten', async () => {
    const store = open();
    store.append(FIRST, ['a'], [value(1)]);
    const path = `${folder()}/2027-03-01.trends`;
    store.close();
    writeFileSync(path, 'something else');
    const next = open();
    next.append(FIRST + 1, ['a'], [value(2)]);
    expect(next.problem).to.equal(undefined);
    expect(readFileSync(`${path}.foreign`, 'utf8')).to.equal('something else');
    expect(await means(next, 'a')).to.deep.equal([2]);
  });

  it('one of two viewers with one state directory stores, and the other reports which', async () => {
    const first = open();
    first.append(FIRST, ['a'], [value(1)]);
    const second = open();
    second.append(FIRST, ['a'], [value(9)]);
    expect(second.problem).to.include(`process ${process.pid}`);
    expect(await means(second, 'a'), 'it reads them all the same').to.deep.equal([1]);
    first.close();
    second.append(FIRST + 1, ['a'], [value(10)]);
    expect(second.problem).to.equal(undefined);
    expect(await means(second, 'a')).to.deep.equal([1, 9, 10]);
  });

  it('the folder of a killed viewer is taken over', () => {
    const store = open();
    store.append(FIRST, ['a'], [value(1)]);
    store.close();
    const ended = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim();
    writeFileSync(`${folder()}/owner`, JSON.stringify({ pid: Number(ended), startTicks: '1' }));
    const next = open();
    next.append(FIRST + 1, ['a'], [value(2)]);
    expect(next.problem).to.equal(undefined);
    next.close();
    expect(existsSync(`${folder()}/owner`)).to.equal(false);
  });

  it('a writer that is killed at any moment has stored every minute that it reported', async () => {
    const runtime = new TestRuntime();
    try {
      for (let round = 0; round < 3; round += 1) {
        const writer = runtime.program(join(packageFolder(), 'dist/test/fixtures/trend-writer.js'), [
          folder(),
        ]);
        await eventually(
          () => writer.output.split('\n').length > 20 * (round + 1),
          'it has stored some minutes',
        );
        await writer.kill();
        const reported = writer.output.split('\n').slice(0, -1).map(Number);
        const stored = new Set(await means(open(), 'trend 99'));
        expect(reported.filter((minute) => !stored.has(minute))).to.deep.equal([]);
      }
    } finally {
      runtime.remove();
    }
  });

  it('a folder that cannot be made is a state, never an error', () => {
    writeFileSync(folder(), 'a file where the folder should be');
    const store = open();
    store.append(FIRST, ['a'], [value(1)]);
    expect(store.problem).to.include('cannot write');
  });
});
