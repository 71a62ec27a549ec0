/**
 * Test timeouts in milliseconds: mocha loads this module before any test (`require` in
 * .mocharc*.json). It sets the environment of this process and of every process that a test starts,
 * so that the waits which end in an error or in a loss are long enough for a busy machine. Tests of
 * such a wait set its length themselves.
 */
process.env['MIRRORFLOW_START_TIMEOUT'] ??= '6000';
process.env['MIRRORFLOW_REATTACH'] ??= '6000';
