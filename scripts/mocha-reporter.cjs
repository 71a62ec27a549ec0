// Mocha's spec reporter. Also writes totals, failed tests with their errors and the reasons of
// skipped tests as JSON to the file that the option `totals` names, and prints which tests failed
// once and passed at a second try.
const { writeFileSync } = require('node:fs');
const { Spec } = require('mocha').reporters;

/** Set by test/kit/skip.ts on the test, or on the suite that a hook skipped. */
function skipReason(test) {
  for (let place = test; place; place = place.parent) if (place.skipReason) return place.skipReason;
  return `no reason given: ${test.fullTitle()}`;
}

module.exports = class TotalsReporter extends Spec {
  constructor(runner, options) {
    super(runner, options);
    /** Error of the first try, by the title of the test. */
    const retried = new Map();
    const skipped = [];
    const failures = [];
    runner.on('retry', (test, error) => retried.set(test.fullTitle(), error?.message ?? String(error)));
    runner.on('fail', (test, error) => {
      retried.delete(test.fullTitle());
      failures.push(`${test.fullTitle()}: ${error?.message ?? String(error)}`);
    });
    runner.on('pending', (test) => skipped.push(skipReason(test)));
    runner.once('end', () => {
      for (const [title, message] of retried) {
        process.stdout.write(`  failed once, passed at a second try: ${title}: ${message}\n`);
      }
      const file = options.reporterOptions?.totals ?? options.reporterOption?.totals;
      if (file) writeFileSync(file, JSON.stringify({ passed: this.stats.passes, failures, skipped }));
    });
  }
};
