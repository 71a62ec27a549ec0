#!/usr/bin/env node
/**
 * The command `mirrorflow`: its words to one command of the table, its exit code to the shell.
 *
 *   command-line.ts  words → command and options     commands/*.ts  one file per command
 *   run-words.ts     runs it, tells errors           output.ts      data, notes and errors
 *   exit-codes.ts    what scripts can trust          prompt/        mirrorflow console
 *   watch.ts         live pictures and tables        start/         mirrorflow start
 */
import { COMMANDS } from './commands/table.js';
import { EXIT } from './exit-codes.js';
import { endWithReader, interruptions } from './process-events.js';
import { runWords } from './run-words.js';

const { signal, abort, divertInterrupts } = interruptions();
const readerGone = endWithReader(process.stdout, abort);
endWithReader(process.stderr, () => undefined);
const code = await runWords(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal,
  divertInterrupts,
  commands: COMMANDS,
});
// Explicitly: a server that does not close its side must not keep a finished command.
process.exit(readerGone() ? EXIT.success : code);
