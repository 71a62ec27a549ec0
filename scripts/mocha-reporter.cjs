// Mocha's spec reporter, which also writes its totals as JSON to the file named by the option `totals`, and tells which tests needed a second
// try: what fails once on a shared machine does not stop everybody, and is not hidden.
const { writeFileSync } = require('node:fs');
const { Spec } = require('mocha').reporters;

module.exports = class TotalsReporter extends Spec {
  constructor(runner, options) {
    super(runner, options);
    const retried = [];
    runner.on('retry', (test, error) => retried.push(`${test.fullTitle()}: ${error?.message ?? error}`));
    runner.once('end', () => {
      for (const what of retried) process.stdout.write(`  failed once, and was tried again: ${what}\n`);
      const { passes, failures, pending } = this.stats;
      const file = options.reporterOptions?.totals ?? options.reporterOption?.totals;
      if (file) writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, pending }));
    });
  }
};
