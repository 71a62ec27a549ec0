// `npm test`: installs what is missing, then type check, build, lint, format, dead code, unit,
// system, browser, binding and model tests. Every step runs even when an earlier one failed; the
// exit code is 0 when all passed.
import { join } from 'node:path';
import { ROOT, prepare, run } from './setup.mjs';
import { TestRun } from './test-kit.mjs';

prepare({ build: false });
run(join(ROOT, 'scripts', 'install-test-packages.sh'), []);
// A host server of a test has no web viewer unless the test is about it.
process.env.MIRRORFLOW_WEB ??= 'off';

const tests = new TestRun();
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);
const script = (name) => join(ROOT, 'scripts', name);
const picked = process.argv.slice(2);

const built = tests.step('type check and build', bin('tsc'), ['-p', ROOT]);
tests.step('type check of the page', bin('tsc'), ['-p', join(ROOT, 'web', 'page')]);
if (built) tests.step('build of the programs', process.execPath, [script('build-programs.mjs')]);
tests.step('build of the page', process.execPath, [script('build-page.mjs')]);
tests.step('lint', bin('oxlint'), ['--type-aware', '--deny-warnings']);
tests.step('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
tests.step('dead code', bin('knip'), []);
if (built) {
  tests.mocha('unit tests', '.mocharc.json', picked);
  tests.mocha('system tests', '.mocharc.system.json', picked);
  tests.mocha('browser tests', '.mocharc.browser.json', picked);
  tests.mocha('bindings', '.mocharc.named.json', ['dist/test/conformance/*.test.js', ...picked]);
  tests.mocha('model', '.mocharc.named.json', ['dist/test/model/*.test.js', ...picked]);
}
tests.summary(process.env.MIRRORFLOW_TEST_TOTALS);
process.exit(tests.ok ? 0 : 1);
