/**
 * The prompt of `mirrorflow console`: runs commands typed at a terminal or read from a pipe.
 *
 * The command `console` calls it. A command that fails does not end the prompt. At a terminal each
 * line has a readline interface of its own, so that a running command gets all keys.
 */
import { createInterface } from 'node:readline';
import type { CommandContext } from '../command.js';
import { EXIT, exitCodeOf, type ExitCode } from '../exit-codes.js';
import { runWords } from '../run-words.js';
import { complete, type NameSource } from './completion.js';
import { HISTORY_LINES, History, historyPath } from './history.js';
import { knownNames } from './known-names.js';
import { wordsOf } from './words.js';

const LEAVING = new Set(['exit', 'quit']);
const PROMPT = 'mirrorflow> ';

type LineOutcome = { readonly kind: 'leave' } | { readonly kind: 'done'; readonly code: ExitCode };

/**
 * Runs until `exit`, the end of input or a signal. Resolves with success at a terminal, and from a
 * pipe with the exit code of the last command that failed.
 */
export async function promptSession(context: CommandContext): Promise<ExitCode> {
  const { stdin, output } = context;
  if (stdin.isTTY && output.columns !== undefined) {
    await atTerminal(context);
    return EXIT.success;
  }
  return fromPipe(context);
}

async function fromPipe(context: CommandContext): Promise<ExitCode> {
  const { signal, stdin } = context;
  const lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY });
  const close = (): void => lines.close();
  signal.addEventListener('abort', close, { once: true });
  let failed: ExitCode = EXIT.success;
  for await (const line of lines) {
    const outcome = await runLine(context, line, signal);
    if (outcome.kind === 'leave') break;
    if (outcome.code !== EXIT.success) failed = outcome.code;
    if (signal.aborted) break;
  }
  signal.removeEventListener('abort', close);
  return signal.aborted ? EXIT.interrupted : failed;
}

async function atTerminal(context: CommandContext): Promise<void> {
  const { output, env, signal } = context;
  const file = new History(historyPath(env), (problem) => output.note(problem));
  let history = file.load();
  const namesOf = knownNames(context);
  output.note('help lists the commands, Tab completes, Ctrl-D leaves');
  while (!signal.aborted) {
    const read = await readLines(context, history, namesOf);
    if (read.lines === undefined) return;
    history = read.history;
    for (const line of read.lines) {
      file.add(line);
      const outcome = await runInterruptibly(context, line);
      if (outcome.kind === 'leave') return;
    }
  }
}

/** Runs a line; Ctrl-C ends its command and not the prompt. */
async function runInterruptibly(context: CommandContext, line: string): Promise<LineOutcome> {
  const interrupt = new AbortController();
  const restore = context.divertInterrupts(() => interrupt.abort());
  try {
    return await runLine(context, line, AbortSignal.any([context.signal, interrupt.signal]));
  } finally {
    restore();
  }
}

async function runLine(context: CommandContext, line: string, signal: AbortSignal): Promise<LineOutcome> {
  const { output, commands, env, stdin, globals, divertInterrupts } = context;
  let words: readonly string[];
  try {
    words = wordsOf(line);
  } catch (error) {
    output.failure(error);
    return { kind: 'done', code: exitCodeOf(error) };
  }
  const [first] = words;
  if (first === undefined) return { kind: 'done', code: EXIT.success };
  if (words.length === 1 && LEAVING.has(first)) return { kind: 'leave' };
  const { stdout, stderr } = process;
  const dependencies = { stdin, stdout, stderr, env, signal, commands, divertInterrupts, prompt: globals };
  return { kind: 'done', code: await runWords(words, dependencies) };
}

interface ReadLines {
  /** Several when they were pasted together; undefined when the prompt was left. */
  readonly lines: readonly string[] | undefined;
  readonly history: string[];
}

function readLines(
  { stdin, signal, commands }: CommandContext,
  previous: string[],
  namesOf: NameSource,
): Promise<ReadLines> {
  const { stdout } = process;
  const lines: string[] = [];
  let history = previous;
  const readline = createInterface({
    input: stdin,
    output: stdout,
    terminal: true,
    prompt: PROMPT,
    history: [...previous],
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      void complete(line, commands, namesOf).then((result) => done(null, result));
    },
  });
  return new Promise((resolve) => {
    const close = (): void => readline.close();
    signal.addEventListener('abort', close, { once: true });
    readline.on('history', (changed) => (history = [...changed]));
    readline.on('line', (line) => {
      // Further lines of the same paste arrive within this turn of the event loop.
      if (lines.length === 0) setImmediate(close);
      lines.push(line);
    });
    readline.on('SIGINT', () => {
      const hasText = readline.line !== '';
      readline.write(null, { ctrl: true, name: 'e' });
      readline.write(null, { ctrl: true, name: 'u' });
      stdout.write(hasText ? '\n' : '\n(Ctrl-D or exit leaves)\n');
      readline.prompt();
    });
    readline.on('close', () => {
      signal.removeEventListener('abort', close);
      // Ctrl-D leaves the cursor on the line of the prompt.
      if (lines.length === 0) stdout.write('\n');
      resolve({ lines: lines.length === 0 ? undefined : lines, history });
    });
    readline.prompt();
  });
}
