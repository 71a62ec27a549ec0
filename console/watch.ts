/**
 * Live display: paints a frame whenever there is something new, until q, Ctrl-C or a signal.
 *
 * `show --watch`, `stats --watch` and `top` call it. It writes to standard output and reads keys
 * from standard input. The terminal is restored on every exit, errors and signals included; in a
 * file or pipe frames are appended.
 */
import type { CommandContext } from './command.js';
import { pause } from './interruption.js';
import { ENTER_SCREEN, LEAVE_SCREEN, repaint, type ScreenFrame } from './render/screen.js';

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

export interface WatchOptions {
  readonly intervalMs: number;
  /** Whether the next frame differs from the one shown; called once per interval. */
  changed(): boolean;
  /** Returns the lines of a frame. An error ends the display. */
  paint(size: FrameSize): readonly string[] | Promise<readonly string[]>;
}

/** q, Q, Ctrl-C and Ctrl-D: a terminal in raw mode sends Ctrl-C as a character, not as a signal. */
const QUIT_KEYS = ['q', 'Q', '\u0003', '\u0004'];

export async function watch(context: CommandContext, options: WatchOptions): Promise<void> {
  if (context.output.abilities.repaint) await watchScreen(context, options);
  else await append(context, options);
}

async function append({ output, signal }: CommandContext, options: WatchOptions): Promise<void> {
  for (let first = true; !signal.aborted; first = false) {
    if (first || options.changed())
      output.lines([...(first ? [] : ['']), ...(await options.paint(output.size))]);
    await pause(options.intervalMs, signal);
  }
}

async function watchScreen(context: CommandContext, options: WatchOptions): Promise<void> {
  const { output, signal } = context;
  const quit = new AbortController();
  const ended = AbortSignal.any([signal, quit.signal]);
  const leave = enterScreen(context, () => quit.abort());
  try {
    let shown: ScreenFrame | undefined;
    while (!ended.aborted) {
      const { width, height } = output.size;
      const resized = shown?.width !== width || shown.height !== height;
      if (resized || options.changed()) {
        const frame: ScreenFrame = { lines: await options.paint({ width, height }), width, height };
        output.raw(repaint(shown, frame));
        shown = frame;
      }
      await pause(options.intervalMs, ended, process.stdout);
    }
  } finally {
    leave();
  }
}

/**
 * Switches the terminal to the alternate screen and to raw keys; calls `onQuit` for a quit key. The
 * returned function restores the terminal; so does the end of the process.
 */
function enterScreen({ output, stdin }: CommandContext, onQuit: () => void): () => void {
  const onKeys = (chunk: Buffer | string): void => {
    const text = String(chunk);
    if (QUIT_KEYS.some((key) => text.includes(key))) onQuit();
  };
  let entered = true;
  const leave = (): void => {
    if (!entered) return;
    entered = false;
    process.off('exit', leave);
    stdin.off('data', onKeys);
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      stdin.pause();
    }
    output.raw(LEAVE_SCREEN);
  };
  process.on('exit', leave);
  output.raw(ENTER_SCREEN);
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on('data', onKeys);
    stdin.resume();
  }
  return leave;
}

/**
 * Runs `task` once per interval until the command is interrupted, for `--json`: a stream of lines.
 */
export async function everyInterval(
  { signal }: CommandContext,
  intervalMs: number,
  task: () => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await task();
    await pause(intervalMs, signal);
  }
}
