// npm test: installs and builds if needed, then type check, lint, format, dead code, unit and system tests.
// Every step runs even when an earlier one failed; the exit code says whether all passed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, prepare } from './setup.mjs';

prepare({ build: false });
const scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);
// A host server of a test has no web viewer unless the test is about it.
process.env.MIRRORFLOW_WEB ??= 'off';
const totals = { passed: 0, failed: 0, pending: 0 };

function step(title, command, args) {
  process.stdout.write(`\n== ${title}\n`);
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  return result.status === 0;
}

function check(title, command, args) {
  if (step(title, command, args)) totals.passed += 1;
  else totals.failed += 1;
}

function mocha(title, config, extra) {
  const file = join(scratch, `${totals.passed}-${title}.json`);
  const reporter = join(ROOT, 'scripts', 'mocha-reporter.cjs');
  const ok = step(title, bin('mocha'), [
    '--config',
    config,
    '--reporter',
    reporter,
    '--reporter-option',
    `totals=${file}`,
    ...(process.env.CI ? ['--retries', '1'] : []),
    ...extra,
  ]);
  const found = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { passed: 0, failed: 1, pending: 0 };
  if (!ok && found.failed === 0) found.failed = 1;
  for (const key of Object.keys(totals)) totals[key] += found[key];
}

const built = step('type check and build', process.execPath, [
  join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
  '-p',
  ROOT,
]);
if (built) totals.passed += 1;
else totals.failed += 1;
check('type check of the page', process.execPath, [
  join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
  '-p',
  join(ROOT, 'web', 'page'),
]);
if (built) check('build of the programs', process.execPath, [join(ROOT, 'scripts', 'build-programs.mjs')]);
check('build of the page', process.execPath, [join(ROOT, 'scripts', 'build-page.mjs')]);
check('lint', bin('oxlint'), ['--type-aware', '--deny-warnings']);
check('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
check('dead code', bin('knip'), []);
if (built) {
  mocha('unit tests', '.mocharc.json', process.argv.slice(2));
  if (readdirSync(join(ROOT, 'test')).includes('system'))
    mocha('system tests', '.mocharc.system.json', process.argv.slice(2));
  mocha('browser tests', '.mocharc.browser.json', process.argv.slice(2));
}
rmSync(scratch, { recursive: true, force: true });

const skipped = totals.pending > 0 ? `, ${totals.pending} skipped` : '';
const line = `${totals.passed} passed, ${totals.failed} failed${skipped}\n`;
process.stdout.write(`\n${line}`);
if (process.env.MIRRORFLOW_TEST_TOTALS) writeFileSync(process.env.MIRRORFLOW_TEST_TOTALS, line);
process.exit(totals.failed === 0 ? 0 : 1);
