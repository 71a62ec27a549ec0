/**
 * `npm run bench -- [NAME …]` runs benchmarks one after the other, prints a table of each and, with
 * `--json`, writes all rows to a file. `npm run bench -- compare A B` compares two such files;
 * `--help` lists the options. Each benchmark starts the processes that it measures and stops them.
 */
import { writeFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { endWithBadUsage } from '../protocol/host/process-kit/usage.js';
import { c } from './c.js';
import { compareFiles } from './compare.js';
import { fanout } from './fanout.js';
import { flood } from './flood.js';
import { fit } from './fit.js';
import { gateway } from './gateway.js';
import { idle } from './idle.js';
import { integrity } from './integrity.js';
import { latency } from './latency.js';
import { nats } from './nats.js';
import { open } from './open.js';
import { page } from './page.js';
import { pagePeers } from './page-peers.js';
import { python } from './python.js';
import { record } from './record.js';
import { runEnvironment, formatTable, type Row } from './report.js';
import { rpc } from './rpc.js';
import { scale } from './scale.js';
import type { BenchSettings } from './settings.js';
import { spectcl } from './spectcl.js';
import { tcp } from './tcp.js';

const BENCHES: Readonly<Record<string, (settings: BenchSettings) => Promise<Row[]>>> = {
  fanout,
  latency,
  tcp,
  integrity,
  scale,
  rpc,
  spectcl,
  open,
  idle,
  gateway,
  flood,
  fit,
  page,
  'page-peers': pagePeers,
  python,
  c,
  record,
  nats,
};
const REPEATS_DEFAULT = 3;
const REPEATS_MAX = 1_000;
const DURATION_MAX_MS = 600_000;

const { _: positionalValues, ...values } = await yargs(hideBin(process.argv))
  .scriptName('npm run bench --')
  .usage(
    `$0 [NAME …]      run all benchmarks, or the named ones: ${Object.keys(BENCHES).join(', ')}\n$0 compare A B  compare two files of --json`,
  )
  .option('json', { type: 'string', requiresArg: true, describe: 'file to write all rows to' })
  .option('repeats', {
    type: 'string',
    requiresArg: true,
    defaultDescription: `${REPEATS_DEFAULT}; spectcl and open: see docs/performance.md`,
    describe: 'number of measurements of each row',
  })
  .option('duration', {
    type: 'string',
    requiresArg: true,
    default: '500',
    describe: 'duration of one measurement in milliseconds',
  })
  .option('only', {
    type: 'string',
    requiresArg: true,
    describe: 'measure only rows with this text in their name',
  })
  .option('full', {
    type: 'boolean',
    default: false,
    describe: 'fanout: measure all combinations; scale: repeat large points too',
  })
  .option('peers', {
    type: 'string',
    requiresArg: true,
    describe: 'page-peers: a node_modules folder with jsroot and uplot to compare with',
  })
  .version(false)
  .strictOptions()
  .fail((message: string | null, error: Error | undefined) => fail(message ?? error))
  .parse();
const positionals = positionalValues.map(String);
if (positionals[0] === 'compare') compare(positionals.slice(1));
else await run(positionals.length > 0 ? positionals : Object.keys(BENCHES));

function compare([a, b, ...more]: readonly string[]): void {
  if (a === undefined || b === undefined || more.length > 0)
    fail('compare takes two files that were written with --json');
  else process.stdout.write(`${compareFiles(a, b)}\n`);
}

async function run(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0)
    fail(`unknown benchmark: ${unknown.join(', ')}; choose from ${Object.keys(BENCHES).join(', ')}`);
  const statedRepeats =
    values.repeats === undefined ? undefined : parseWholeNumber('repeats', values.repeats, REPEATS_MAX);
  const settings: BenchSettings = {
    repeats: statedRepeats ?? REPEATS_DEFAULT,
    requestedRepeats: statedRepeats,
    durationMs: parseWholeNumber('duration', values.duration, DURATION_MAX_MS),
    full: values.full,
    only: values.only,
    peers: values.peers,
  };
  const environment = runEnvironment();
  process.stdout.write(`${environment.machine}; commit ${environment.commit}; ${environment.date}\n`);
  const rows: Row[] = [];
  for (const name of names) {
    const measured = (await BENCHES[name]?.(settings)) ?? [];
    process.stdout.write(`${formatTable(measured)}\n`);
    for (const row of measured) rows.push(Object.assign(row, environment));
    // Written after each benchmark: rows are kept when a later benchmark fails.
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
  }
}

function parseWholeNumber(option: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max)
    fail(`--${option} is ${text}: it must be a whole number from 1 to ${max}`);
  return value;
}

function fail(problem: unknown): never {
  endWithBadUsage('bench', problem);
}
