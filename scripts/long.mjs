// `npm run long -- [NAME …] [--again]`: runs the long forms of the tests, hours in all. Each step
// that passed is recorded with its commit in long-results.json, so that a run that was stopped
// continues with the next step.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUPPORTED_NODES } from './nodes.mjs';
import { ROOT, fail, prepare } from './setup.mjs';

const RESULTS = join(ROOT, 'long-results.json');
const npm = (...args) => ['npm', 'run', ...args];
const STEPS = [
  { name: 'chaos', command: npm('chaos', '--', '--faults', '10000', '--seconds', '36000') },
  ...[3, 7, 42].map((seed) => ({
    name: `chaos-seed-${seed}`,
    command: npm('chaos', '--', '--faults', '500', '--seed', String(seed)),
  })),
  { name: 'fuzz', command: npm('fuzz', '--', '--inputs', '6000000') },
  {
    name: 'network-cuts',
    command: npm('system', '--', '-g', 'cut'),
    env: { MIRRORFLOW_LONG_TESTS: '1' },
  },
  ...SUPPORTED_NODES.map(({ major }) => ({
    name: `node-${major}`,
    command: npm('test:node', '--', String(major)),
  })),
  ...SUPPORTED_NODES.map(({ major }) => ({
    name: `litmus-${major}`,
    command: npm('litmus', '--', '--seconds', '600', '--node', String(major)),
  })),
];

const words = process.argv.slice(2);
const again = words.includes('--again');
const names = words.filter((word) => word !== '--again');
const unknown = names.find((name) => !STEPS.some((step) => step.name === name));
if (unknown !== undefined)
  fail(`there is no step ${unknown}; there are ${STEPS.map(({ name }) => name).join(', ')}`);

prepare({ build: true });
const commit = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).stdout.trim();
const results = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {};
let failed = 0;
for (const { name, command, env } of STEPS) {
  if (names.length > 0 && !names.includes(name)) continue;
  if (!again && results[name]?.commit === commit && results[name].passed) continue;
  process.stdout.write(`\n== ${name}\n`);
  const startedMs = Date.now();
  const [program, ...args] = command;
  const { status } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const seconds = Math.round((Date.now() - startedMs) / 1_000);
  results[name] = { commit, passed: status === 0, seconds, finished: new Date().toISOString() };
  if (status !== 0) failed += 1;
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
}
process.exit(failed === 0 ? 0 : 1);
