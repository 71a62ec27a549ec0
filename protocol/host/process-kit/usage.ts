/**
 * What every program does alike about its command line: help goes to standard output, bad usage is
 * one line on standard error and exit code 2.
 */
import { describeError, isMirrorflowError } from '../../base/errors.js';

const EXIT_USAGE = 2;

/**
 * Prints the help when the words ask for it. True when they did, and there is nothing else to do.
 */
export function printHelpIfAsked(args: readonly string[], help: () => string): boolean {
  const asked = args.includes('--help') || args.includes('-h');
  if (asked) process.stdout.write(help());
  return asked;
}

/**
 * Tells what is wrong with the command line, in one line unless it is a file with several faults;
 * the process ends with the exit code for it when it has nothing left to do.
 */
export function reportBadUsage(program: string, wrong: unknown): void {
  const text = typeof wrong === 'string' ? wrong : describeError(wrong);
  const told = isMirrorflowError(wrong, 'BAD_CONFIGURATION')
    ? text
    : text.replaceAll(/\s*\n\s*/g, ' ').trim();
  process.stderr.write(`${program}: ${told} (--help tells the options)\n`);
  process.exitCode = EXIT_USAGE;
}

/** The same at once, for yargs' `fail` and for options that are judged behind it. */
export function endWithBadUsage(program: string, wrong: unknown): never {
  reportBadUsage(program, wrong);
  process.exit();
}
