// Runs mocha and adds up its totals, for `npm test` and `npm run test:node`. Starts processes;
// keeps its reports in a temporary directory.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './setup.mjs';

const REPORTER = join(ROOT, 'scripts', 'mocha-reporter.cjs');
const MOCHA = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');

/** A run of the whole suite or a part of it: steps that pass or fail, and the tests in them. */
export class TestRun {
  #passed = 0;
  /** Failed steps and tests, with their errors. */
  #failures = [];
  /** Reasons of skipped tests, with how many each skipped. */
  #skipped = new Map();

  /** Runs a command; true when it succeeded. Counts as one test unless `counted` is false. */
  step(title, command, args, { counted = true, env = process.env } = {}) {
    process.stdout.write(`\n== ${title}\n`);
    const { status } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env });
    if (counted) {
      if (status === 0) this.#passed += 1;
      else this.#failures.push(title);
    }
    return status === 0;
  }

  /**
   * Runs mocha with one of its configurations. `node`: the binary of the Node that runs it and all
   * that its tests start.
   */
  mocha(title, config, args, { node = process.execPath } = {}) {
    const scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    const file = join(scratch, 'totals.json');
    // A test that failed is tried once more in CI, and named at the end of the suite.
    const retries = process.env.CI ? ['--retries', '1'] : [];
    const words = [MOCHA, '--config', config, '--reporter', REPORTER, '--reporter-option', `totals=${file}`];
    // Only where it is another Node: its folder may have other programs, such as a Python.
    const others = node === process.execPath ? {} : { PATH: `${dirname(node)}:${process.env.PATH ?? ''}` };
    const env = { ...process.env, ...others };
    const ok = this.step(title, node, [...words, ...retries, ...args], { counted: false, env });
    const totals = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { passed: 0, failures: [], skipped: [] };
    rmSync(scratch, { recursive: true, force: true });
    this.#passed += totals.passed;
    const failures = ok || totals.failures.length > 0 ? totals.failures : ['mocha ended without its totals'];
    for (const failure of failures) this.#failures.push(`${title}: ${failure}`);
    for (const reason of totals.skipped) this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + 1);
  }

  /**
   * The line that ends a run: `N passed, N failed, N skipped`. Prints what was skipped and why, and
   * what failed; `file` gets the same lines, for `.ci/run`.
   */
  summary(file) {
    const skipped = [...this.#skipped.values()].reduce((sum, count) => sum + count, 0);
    const reasons = [...this.#skipped].map(([reason, count]) => `skipped ${count}: ${reason}\n`);
    const failures = this.#failures.map((failure) => `failed: ${failure.replaceAll(/\s*\n\s*/g, ' | ')}\n`);
    const rest = skipped > 0 ? `, ${skipped} skipped` : '';
    const line = `${this.#passed} passed, ${this.#failures.length} failed${rest}\n`;
    process.stdout.write([...reasons, ...failures, '\n', line].join(''));
    if (file) writeFileSync(file, [...failures, line].join(''));
  }

  get ok() {
    return this.#failures.length === 0;
  }
}
