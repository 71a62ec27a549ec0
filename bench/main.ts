/**
 * `npm run bench -- [NAME …]` runs benchmarks one after the other, prints a table each and, when
 * asked, writes all rows as JSON. `npm run bench -- compare A B` compares two such files; `--help`
 * lists the options.
 */
import { writeFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { endWithBadUsage } from '../protocol/host/process-kit/usage.js';
import { compareFiles } from './compare.js';
import { fanout } from './fanout.js';
import { gateway } from './gateway.js';
import { idle } from './idle.js';
import { latency } from './latency.js';
import { open } from './open.js';
import { circumstances, showRows, type Row } from './report.js';
import { rpc } from './rpc.js';
import { scale } from './scale.js';
import type { BenchSettings } from './settings.js';
import { spectcl } from './spectcl.js';
import { tcp } from './tcp.js';

const BENCHES: Readonly<Record<string, (settings: BenchSettings) => Promise<Row[]>>> = {
  fanout,
  latency,
  tcp,
  scale,
  rpc,
  spectcl,
  open,
  idle,
  gateway,
};
const REPEATS_USUAL = 3;
const REPEATS_MAX = 1_000;
const DURATION_MAX_MS = 600_000;

const { _: words, ...values } = await yargs(hideBin(process.argv))
  .scriptName('npm run bench --')
  .usage(
    `$0 [NAME …]      runs benchmarks, all or those named: ${Object.keys(BENCHES).join(', ')}\n$0 compare A B  compares two files of --json`,
  )
  .option('json', { type: 'string', requiresArg: true, describe: 'file that all rows are written to' })
  .option('repeats', {
    type: 'string',
    requiresArg: true,
    defaultDescription: `${REPEATS_USUAL}; spectcl and open: see docs/performance.md`,
    describe: 'measurements of each row',
  })
  .option('duration', {
    type: 'string',
    requiresArg: true,
    default: '500',
    describe: 'of one measurement, milliseconds',
  })
  .option('only', { type: 'string', requiresArg: true, describe: 'only rows with this text in their name' })
  .option('full', { type: 'boolean', default: false, describe: 'fanout: every size and number of consumers' })
  .version(false)
  .strictOptions()
  .fail((message: string | null, error: Error | undefined) => fail(message ?? error))
  .parse();
const positionals = words.map(String);
if (positionals[0] === 'compare') compare(positionals.slice(1));
else await run(positionals.length > 0 ? positionals : Object.keys(BENCHES));

function compare([a, b, ...more]: readonly string[]): void {
  if (a === undefined || b === undefined || more.length > 0) fail('compare takes two files');
  else process.stdout.write(`${compareFiles(a, b)}\n`);
}

async function run(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0)
    fail(`there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  const statedRepeats =
    values.repeats === undefined ? undefined : whole('repeats', values.repeats, REPEATS_MAX);
  const settings: BenchSettings = {
    repeats: statedRepeats ?? REPEATS_USUAL,
    statedRepeats,
    durationMs: whole('duration', values.duration, DURATION_MAX_MS),
    full: values.full,
    only: values.only,
  };
  const about = circumstances();
  process.stdout.write(`${about.machine}; commit ${about.commit}; ${about.date}\n`);
  const rows: Row[] = [];
  for (const name of names) {
    const found = (await BENCHES[name]?.(settings)) ?? [];
    process.stdout.write(`${showRows(found)}\n`);
    for (const one of found) rows.push(Object.assign(one, about));
    // After each, so that what was measured is not lost when a later one fails.
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
  }
}

function whole(option: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max)
    fail(`--${option} is ${text}; it must be a whole number from 1 to ${max}`);
  return value;
}

function fail(wrong: unknown): never {
  endWithBadUsage('bench', wrong);
}
