#!/usr/bin/env node
/**
 * The recovery program: verifies or repairs one flow file, prints a report and exits. It is a
 * process of its own because mapping a damaged file may end the process. Started by a duplicator
 * that finds the file of a dead predecessor, and by people as `mirrorflow verify` and `repair`.
 * Writes to the file only for `repair`, and only when its owner is dead.
 */
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { reportBadUsage, printHelpIfAsked } from '../../protocol/host/process-kit/usage.js';
import { repair, verify } from './examine.js';
import { EXIT_OF_VERDICT, reportLines } from '../../protocol/host/recovery/report.js';

const EXIT_FAILED = 1;
const HELP = `usage: recovery verify|repair FILE [--json]

  verify  check whether the flow file of a dead owner is sound, repairable or to be replaced; change nothing
  repair  repair it
  --json  print the report as one line of JSON
  --help  show this help
`;

const args = process.argv.slice(2);
const json = args.includes('--json');
const [command, file, ...extra] = args.filter((arg) => arg !== '--json');
const unknownOption = args.find((arg) => arg.startsWith('-') && arg !== '--json');

if (printHelpIfAsked(args, () => HELP)) {
  // The help was the whole request.
} else if (unknownOption !== undefined) {
  reportBadUsage('recovery', `unknown option ${unknownOption}`);
} else if ((command !== 'verify' && command !== 'repair') || file === undefined || extra.length > 0) {
  reportBadUsage('recovery', 'expected verify or repair, and one file');
} else {
  try {
    const report = command === 'verify' ? verify(file) : repair(file);
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${reportLines(report).join('\n')}\n`);
    process.exitCode = EXIT_OF_VERDICT[report.verdict];
  } catch (error) {
    const code = isMirrorflowError(error) ? error.code : 'SYSTEM_ERROR';
    const message = describeError(error);
    process.stderr.write(json ? `${JSON.stringify({ code, message })}\n` : `recovery: ${message}\n`);
    process.exitCode = EXIT_FAILED;
  }
}
