// Mocha's spec reporter, which also writes its totals as JSON to the file named by the option `totals`.
const { writeFileSync } = require('node:fs');
const { Spec } = require('mocha').reporters;

module.exports = class TotalsReporter extends Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      const file = options.reporterOptions?.totals ?? options.reporterOption?.totals;
      if (file) writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, pending }));
    });
  }
};
