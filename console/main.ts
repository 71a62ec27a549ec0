#!/usr/bin/env node
/**
 * The program `mirrorflow`: runs one command of `commands/table.ts` and exits with its exit code.
 *
 * The shell starts it. It reads the process's arguments, standard streams and signals.
 *
 *   command-line.ts  words → command and options     commands/*.ts  one file per command
 *   run-words.ts     runs it, reports errors         output.ts      data, notes and errors
 *   exit-codes.ts    exit codes for scripts          prompt/        mirrorflow console
 *   watch.ts         live plots and tables           start/         mirrorflow start
 */
import { COMMANDS } from './commands/table.js';
import { EXIT } from './exit-codes.js';
import { onReaderClosed, interruptions } from './process-events.js';
import { runWords } from './run-words.js';

const { signal, abort, divertInterrupts } = interruptions();
const readerClosed = onReaderClosed(process.stdout, abort);
onReaderClosed(process.stderr, () => undefined);
const code = await runWords(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal,
  divertInterrupts,
  commands: COMMANDS,
});
// An explicit exit: a connection that a server keeps open must not keep a finished command alive.
process.exit(readerClosed() ? EXIT.success : code);
