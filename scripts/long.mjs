// `npm run long -- [NAME …] [--again] [--brief]`: runs the long forms of the tests, hours in all,
// at low priority. Each step that passed is recorded with its commit in long-results.json, so that
// a run that was stopped continues with the next step. --brief runs about a minute of each step and
// records nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUPPORTED_NODES } from './nodes.mjs';
import { ROOT, fail, prepare } from './setup.mjs';

const RESULTS = join(ROOT, 'long-results.json');
const npm = (...args) => ['npm', 'run', ...args];

prepare({ build: true });
const { TARGETS } = await import(join(ROOT, 'dist', 'test', 'fuzz', 'targets', 'all.js'));
/** All targets together get 10^8 inputs. */
const INPUTS = Math.ceil(1e8 / TARGETS.length);
const SEEDS = [1, 2, 3, 5, 7, 11, 13, 17, 23, 42];
const chaos = (faults, seconds, seed) =>
  npm(
    'chaos',
    '--',
    '--faults',
    faults,
    '--seconds',
    seconds,
    ...(seed === undefined ? [] : ['--seed', seed]),
  );
const STEPS = [
  { name: 'chaos', command: chaos('10000', '36000'), brief: chaos('20', '60') },
  ...SEEDS.map(String).map((seed) => ({
    name: `chaos-seed-${seed}`,
    command: chaos('500', '7200', seed),
    brief: chaos('10', '40', seed),
  })),
  ...TARGETS.map(({ name }) => ({
    name: `fuzz-${name}`,
    command: npm('fuzz', '--', name, '--inputs', String(INPUTS)),
    brief: npm('fuzz', '--', name, '--inputs', '20000'),
  })),
  {
    name: 'mutate',
    command: npm('mutate', '--', '--draw', '400'),
    brief: npm('mutate', '--', 'history', '--draw', '3'),
  },
  {
    name: 'interrupted-flow',
    command: npm('unit', '--', '-g', 'stopped and killed between any two stores'),
    env: { MIRRORFLOW_LONG_TESTS: '1' },
    brief: npm('unit', '--', '-g', 'stopped and killed between any two stores'),
  },
  {
    name: 'pulls-of-fits',
    command: npm('unit', '--', '-g', 'pulls of fits'),
    env: { MIRRORFLOW_LONG_TESTS: '1' },
    brief: npm('unit', '--', '-g', 'pulls of fits'),
  },
  {
    name: 'network-cuts',
    command: npm('system', '--', '-g', 'cut'),
    env: { MIRRORFLOW_LONG_TESTS: '1' },
    brief: npm('system', '--', '-g', 'cut'),
  },
  {
    name: 'recorded-and-played',
    command: npm('system', '--', '-g', 'come out of several files'),
    env: { MIRRORFLOW_LONG_TESTS: '1' },
    brief: npm('system', '--', '-g', 'come out of several files'),
  },
  {
    name: 'nats-faults',
    command: npm('system', '--', '-g', 'killed at random: mirrors'),
    env: { MIRRORFLOW_LONG_TESTS: '1' },
    brief: npm('system', '--', '-g', 'killed at random: mirrors'),
  },
  ...SUPPORTED_NODES.map(({ major }) => ({
    name: `node-${major}`,
    command: npm('test:node', '--', String(major)),
    brief: npm('test:node', '--', String(major), '--short'),
  })),
  ...SUPPORTED_NODES.map(({ major }) => ({
    name: `litmus-${major}`,
    command: npm('litmus', '--', '--seconds', '600', '--node', String(major)),
    brief: npm('litmus', '--', '--seconds', '10', '--node', String(major)),
  })),
];

const words = process.argv.slice(2);
const again = words.includes('--again');
const isBrief = words.includes('--brief');
const names = words.filter((word) => word !== '--again' && word !== '--brief');
const unknown = names.find((name) => !STEPS.some((step) => step.name === name));
if (unknown !== undefined)
  fail(`there is no step ${unknown}; there are ${STEPS.map(({ name }) => name).join(', ')}`);

const commit = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).stdout.trim();
const results = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {};
let failed = 0;
for (const { name, command, brief, env } of STEPS) {
  if (names.length > 0 && !names.includes(name)) continue;
  if (!again && !isBrief && results[name]?.commit === commit && results[name].passed) continue;
  process.stdout.write(`\n== ${name}\n`);
  const startedMs = Date.now();
  const { status } = spawnSync('nice', ['-n', '10', ...(isBrief ? brief : command)], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...(isBrief ? {} : env) },
  });
  if (status !== 0) failed += 1;
  if (isBrief) continue;
  const seconds = Math.round((Date.now() - startedMs) / 1_000);
  results[name] = { commit, passed: status === 0, seconds, finished: new Date().toISOString() };
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
}
process.exit(failed === 0 ? 0 : 1);
