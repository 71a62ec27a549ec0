#!/usr/bin/env node
/**
 * The recovery program: looks at one flow file, or repairs it, says what it found and ends. A process of its own, so that a file that kills
 * whoever maps it kills nobody who is needed.
 */
import { describeError, isMirrorflowError } from '../../protocol/errors.js';
import { repair, verify } from './examine.js';
import { EXIT_OF_VERDICT, inWords } from '../../protocol/recovery/report.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const words = process.argv.slice(2);
const json = words.includes('--json');
const [what, file, ...more] = words.filter((word) => word !== '--json');

if ((what !== 'verify' && what !== 'repair') || file === undefined || more.length > 0) {
  process.stderr.write('usage: recovery verify|repair FILE [--json]\n');
  process.exitCode = EXIT_USAGE;
} else {
  try {
    const report = what === 'verify' ? verify(file) : repair(file);
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${inWords(report).join('\n')}\n`);
    process.exitCode = EXIT_OF_VERDICT[report.verdict];
  } catch (error) {
    const code = isMirrorflowError(error) ? error.code : 'SYSTEM_ERROR';
    const message = describeError(error);
    process.stderr.write(json ? `${JSON.stringify({ code, message })}\n` : `recovery: ${message}\n`);
    process.exitCode = EXIT_FAILED;
  }
}
