/** A run of benchmarks that keeps its rows, and one that continues it. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeRow, type Row } from '../../bench/report.js';
import { BenchRun, type RunOptions } from '../../bench/run.js';

describe('a run of benchmarks', () => {
  let directory: string;
  let options: RunOptions & { readonly file: string };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    const environment = { date: 'today', commit: 'abc', machine: 'this one' };
    options = { environment, file: join(directory, 'rows.json'), options: 'short', shows: false };
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const rowOf = (name: string): Row => makeRow('fanout', name, 'us', [1]);
  const namesIn = (file: string): string[] =>
    (JSON.parse(readFileSync(file, 'utf8')) as Row[]).map((row) => row.case);

  /** Measures three cases; `stopsAt` is the case in which the run is stopped. */
  async function measure(run: BenchRun, stopsAt?: string): Promise<string[]> {
    const measured: string[] = [];
    await run.bench('fanout', async () => {
      const rows: Row[] = [];
      for (const name of ['one', 'two', 'three']) {
        const one = async (): Promise<Row[]> => {
          if (name === stopsAt) throw new Error('stopped');
          measured.push(name);
          return Promise.resolve([rowOf(name)]);
        };
        rows.push(...(await run.measure(name, one)));
      }
      return rows;
    });
    run.end();
    return measured;
  }

  it('each row is in the file as soon as its case is complete', async () => {
    await measure(new BenchRun(options), 'three').catch(() => undefined);
    expect(namesIn(options.file)).to.deep.equal(['one', 'two']);
  });

  it('a continued run measures what is missing, and the file has every row once', async () => {
    await measure(new BenchRun(options), 'two').catch(() => undefined);
    expect(await measure(BenchRun.resume(options))).to.deep.equal(['two', 'three']);
    expect(namesIn(options.file)).to.deep.equal(['one', 'two', 'three']);
    expect(readdirSync(directory)).to.deep.equal(['rows.json']);
  });

  it('a run of another commit, or with other options, is not continued', async () => {
    await measure(new BenchRun(options), 'two').catch(() => undefined);
    const other = { ...options, environment: { ...options.environment, commit: 'def' } };
    expect(() => BenchRun.resume(other)).to.throw('commit abc');
    expect(() => BenchRun.resume({ ...options, options: 'long' })).to.throw('short');
  });
});
