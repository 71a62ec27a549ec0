/**
 * `mirrorflow console`: commands typed at a prompt, or read from a pipe. A failing command is told
 * and the next one is read. At a terminal each line has its own readline, so that a running command
 * has the keyboard for itself.
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
 * At a terminal: success, whatever failed on the way. From a pipe: the exit code of the last
 * command that failed.
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

/** Ctrl-C ends the command and not the prompt. */
async function runInterruptibly(context: CommandContext, line: string): Promise<LineOutcome> {
  const own = new AbortController();
  const restore = context.divertInterrupts(() => own.abort());
  try {
    return await runLine(context, line, AbortSignal.any([context.signal, own.signal]));
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
  const around = { stdin, stdout, stderr, env, signal, commands, divertInterrupts, prompt: globals };
  return { kind: 'done', code: await runWords(words, around) };
}

interface Read {
  /** More than one when several were pasted; undefined when the prompt was left. */
  readonly lines: readonly string[] | undefined;
  readonly history: string[];
}

function readLines(
  { stdin, signal, commands }: CommandContext,
  before: string[],
  namesOf: NameSource,
): Promise<Read> {
  const { stdout } = process;
  const lines: string[] = [];
  let history = before;
  const readline = createInterface({
    input: stdin,
    output: stdout,
    terminal: true,
    prompt: PROMPT,
    history: [...before],
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
      // What was pasted behind it comes within this turn.
      if (lines.length === 0) setImmediate(close);
      lines.push(line);
    });
    readline.on('SIGINT', () => {
      const typed = readline.line !== '';
      readline.write(null, { ctrl: true, name: 'e' });
      readline.write(null, { ctrl: true, name: 'u' });
      stdout.write(typed ? '\n' : '\n(Ctrl-D or exit leaves)\n');
      readline.prompt();
    });
    readline.on('close', () => {
      signal.removeEventListener('abort', close);
      // Ctrl-D leaves the cursor behind the prompt.
      if (lines.length === 0) stdout.write('\n');
      resolve({ lines: lines.length === 0 ? undefined : lines, history });
    });
    readline.prompt();
  });
}
