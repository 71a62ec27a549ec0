/**
 * `npm run bench -- [NAME …]` runs benchmarks one after the other, prints each row and, with
 * `--json`, writes all rows to a file. `quick` measures ten headline ratios, `compare A B` compares
 * two files, `growth` calculates, `gate FILE` fails when ratios are worse than in a file; `--help`
 * lists the options. Each benchmark starts the processes that it measures and stops them.
 */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { endWithBadUsage } from '../protocol/host/process-kit/usage.js';
import { c } from './c.js';
import { compareFiles, rowsIn } from './compare.js';
import { fanout } from './fanout.js';
import { flood } from './flood.js';
import { fit } from './fit.js';
import { judge } from './gate.js';
import { gateway } from './gateway.js';
import { growth } from './growth.js';
import { idle } from './idle.js';
import { hosts } from './hosts.js';
import { integrity } from './integrity.js';
import { latency } from './latency.js';
import { nats } from './nats.js';
import { open } from './open.js';
import { page } from './page.js';
import { pagePeers } from './page-peers.js';
import { checkPeerPrograms, type PeerPrograms } from './peer-programs.js';
import { python } from './python.js';
import { QUICK_CASES, QUICK_DURATION_MS } from './quick.js';
import { record } from './record.js';
import { runEnvironment, type Row } from './report.js';
import { rpc } from './rpc.js';
import { BenchRun } from './run.js';
import { scale } from './scale.js';
import type { BenchSettings } from './settings.js';
import { spectcl } from './spectcl.js';
import { tcp } from './tcp.js';
import { trends } from './trends.js';

const BENCHES: Readonly<Record<string, (settings: BenchSettings) => Promise<Row[]>>> = {
  fanout,
  latency,
  tcp,
  integrity,
  scale,
  hosts,
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
  trends,
  nats,
};
const REPEATS_DEFAULT = 3;
const REPEATS_MAX = 1_000;
const DURATION_MAX_MS = 600_000;

const { _: positionalValues, ...values } = await yargs(hideBin(process.argv))
  .scriptName('npm run bench --')
  .usage(
    `$0 [NAME …]      run all benchmarks, or the named ones: ${Object.keys(BENCHES).join(', ')}\n$0 quick         ten headline ratios, in two minutes\n$0 compare A B  compare two files of --json\n$0 growth [NAME=VALUE …] [FILE]  what 500 hosts and 10,000 viewers need, on paper; beside rows of hosts in FILE\n$0 gate FILE [NAME …]  measure again, the quick ones or the named; fail where ratios are worse than in FILE`,
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
  .option('aeron', {
    type: 'string',
    requiresArg: true,
    describe: 'fanout: a folder with aeronmd, rate_subscriber and streaming_publisher to compare with',
  })
  .option('libzmq', {
    type: 'string',
    requiresArg: true,
    describe: 'fanout: a folder with local_thr and remote_thr to compare with',
  })
  .option('spectcl-client', {
    type: 'string',
    requiresArg: true,
    describe: "spectcl: SpecTcl's program mirrorclient to compare with",
  })
  .option('resume', {
    type: 'boolean',
    default: false,
    describe: 'go on where the run with the same file of --json was stopped',
  })
  .version(false)
  .strictOptions()
  .fail((message: string | null, error: Error | undefined) => fail(message ?? error))
  .parse();
const [first, ...others] = positionalValues.map(String);
switch (first) {
  case undefined:
    await run(Object.keys(BENCHES));
    break;
  case 'compare':
    compare(others);
    break;
  case 'growth':
    showGrowth(others);
    break;
  case 'quick':
    if (others.length > 0) fail('quick takes no names');
    await quick();
    break;
  case 'gate':
    await gate(others);
    break;
  default:
    await run([first, ...others]);
}

function compare([a, b, ...more]: readonly string[]): void {
  if (a === undefined || b === undefined || more.length > 0)
    fail('compare takes two files that were written with --json');
  else process.stdout.write(`${compareFiles(a, b)}\n`);
}

function showGrowth(args: readonly string[]): void {
  try {
    process.stdout.write(`${growth(args)}\n`);
  } catch (error) {
    fail(error);
  }
}

async function gate([file, ...names]: readonly string[]): Promise<void> {
  if (file === undefined) fail('gate takes a file that was written with --json');
  const kept = rowsIn(file);
  const now = names.length > 0 ? await run(names) : await quick();
  const { lines, failures } = judge(kept, now);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (failures > 0) process.exitCode = 1;
}

async function run(names: readonly string[]): Promise<readonly Row[]> {
  const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0)
    fail(`unknown benchmark: ${unknown.join(', ')}; choose from ${Object.keys(BENCHES).join(', ')}`);
  const repeats =
    values.repeats === undefined ? undefined : parseWholeNumber('repeats', values.repeats, REPEATS_MAX);
  const settings = {
    repeats: repeats ?? REPEATS_DEFAULT,
    requestedRepeats: repeats,
    durationMs: parseWholeNumber('duration', values.duration, DURATION_MAX_MS),
    full: values.full,
    only: values.only,
    peers: values.peers,
    programs: peerPrograms(),
  };
  const all = startRun(settings);
  for (const name of names)
    await all.bench(name, async () => (await BENCHES[name]?.({ ...settings, run: all })) ?? []);
  all.end();
  return all.rows;
}

async function quick(): Promise<readonly Row[]> {
  const settings = {
    repeats: 1,
    requestedRepeats: 1,
    durationMs: QUICK_DURATION_MS,
    full: false,
    exact: true,
    peers: undefined,
    programs: {},
  };
  const all = startRun({ ...settings, only: undefined });
  for (const { bench, measures, row, peer } of QUICK_CASES) {
    // Silent, since a case has further rows.
    const single = new BenchRun({ environment: runEnvironment(), shows: false });
    const measured = async (): Promise<Row[]> => {
      const rows = (await BENCHES[bench]?.({ ...settings, only: measures, run: single })) ?? [];
      return rows.filter((one) => one.case === row && one.peer === peer);
    };
    await all.bench(`${bench}: ${row}`, measured);
  }
  all.end();
  return all.rows;
}

/** `settings`: those that change figures. */
function startRun(settings: Omit<BenchSettings, 'run'>): BenchRun {
  const environment = runEnvironment();
  process.stdout.write(`${environment.machine}; commit ${environment.commit}; ${environment.date}\n`);
  const { json: file, resume } = values;
  const options = { environment, file, only: settings.only, options: JSON.stringify(settings), shows: true };
  try {
    return resume ? BenchRun.resume(options) : new BenchRun(options);
  } catch (error) {
    return fail(error);
  }
}

function peerPrograms(): PeerPrograms {
  const { aeron, libzmq, spectclClient } = values;
  const programs = { aeron, libzmq, spectclClient };
  try {
    checkPeerPrograms(programs);
    return programs;
  } catch (error) {
    return fail(error);
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
