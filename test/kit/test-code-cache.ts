/**
 * Where servers that tests start keep their compiled code: below node_modules, not in the home of
 * the user. Mocha loads this module before any test (`require` in .mocharc*.json). It sets the
 * environment of this process and of every process that a test starts.
 */
import { fileURLToPath } from 'node:url';
import { CODE_CACHE_VARIABLE } from '../../protocol/host/process-kit/compiled-code/code-cache.js';

process.env[CODE_CACHE_VARIABLE] ??= fileURLToPath(
  new URL('../../../node_modules/.cache/mirrorflow-code', import.meta.url),
);
