#!/usr/bin/env node
/**
 * The recovery program: looks at one flow file, or repairs it, says what it found and ends. A
 * process of its own, so that a file that kills whoever maps it kills nobody who is needed.
 */
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { reportBadUsage, printHelpIfAsked } from '../../protocol/host/process-kit/usage.js';
import { repair, verify } from './examine.js';
import { EXIT_OF_VERDICT, inWords } from '../../protocol/host/recovery/report.js';

const EXIT_FAILED = 1;
const HELP = `usage: recovery verify|repair FILE [--json]

  verify  tell whether the flow file of a dead owner is sound, can be repaired or has to be replaced; nothing is changed
  repair  repair it
  --json  tell it as one line of JSON
  --help  tell this and end
`;

const words = process.argv.slice(2);
const json = words.includes('--json');
const [what, file, ...more] = words.filter((word) => word !== '--json');

const unknown = words.find((word) => word.startsWith('-') && word !== '--json');

if (printHelpIfAsked(words, () => HELP)) {
  // There is nothing else to do.
} else if (unknown !== undefined) {
  reportBadUsage('recovery', `there is no option ${unknown}`);
} else if ((what !== 'verify' && what !== 'repair') || file === undefined || more.length > 0) {
  reportBadUsage('recovery', 'verify or repair and one file are needed');
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
