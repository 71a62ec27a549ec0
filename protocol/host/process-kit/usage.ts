/**
 * The common behaviour of all programs on their command line: help goes to standard output, bad
 * usage is one line on standard error and exit code 2. Main modules call it. Reads the arguments of
 * the process, writes to standard output and error, sets the exit code.
 */
import { describeError, isMirrorflowError } from '../../base/errors.js';
import type { Environment } from '../../base/paths.js';

const EXIT_USAGE = 2;

/**
 * The options of this process, by `parse`. Undefined when the help was asked for, which is then
 * printed, and after bad usage, which is then reported: the program has nothing else to do.
 */
export function readProgramOptions<Options>(
  program: string,
  help: () => string,
  parse: (args: readonly string[], env: Environment) => Options,
): Options | undefined {
  const args = process.argv.slice(2);
  if (printHelpIfAsked(args, help)) return undefined;
  try {
    return parse(args, process.env);
  } catch (error) {
    reportBadUsage(program, error);
    return undefined;
  }
}

/**
 * Prints the help if the arguments ask for it; true then, and the program has nothing else to do.
 */
export function printHelpIfAsked(args: readonly string[], help: () => string): boolean {
  const isAsked = args.includes('--help') || args.includes('-h');
  if (isAsked) process.stdout.write(help());
  return isAsked;
}

/**
 * Reports an error of the command line in one line, or of a configuration file in one line for each
 * problem, and sets the exit code.
 */
export function reportBadUsage(program: string, error: unknown): void {
  const text = typeof error === 'string' ? error : describeError(error);
  const message = isMirrorflowError(error, 'BAD_CONFIGURATION')
    ? text
    : text.replaceAll(/\s*\n\s*/g, ' ').trim();
  process.stderr.write(`${program}: ${message} (--help lists the options)\n`);
  process.exitCode = EXIT_USAGE;
}

/**
 * Reports bad usage and ends the process; for yargs' `fail` and for options checked after yargs.
 */
export function endWithBadUsage(program: string, error: unknown): never {
  reportBadUsage(program, error);
  process.exit();
}
