/**
 * Live pictures: a frame is painted when there is something new, until q, Ctrl-C or the end of the
 * command. A terminal is always given back as it was, also on errors and signals; into a file or
 * pipe frames are appended.
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
  /** Whether the next frame would differ; asked once per interval. */
  changed(): boolean;
  /** The frame's lines. What it throws ends the watching. */
  paint(size: FrameSize): readonly string[] | Promise<readonly string[]>;
}

/** q, Q, Ctrl-C, Ctrl-D: in raw mode the terminal makes no signals of them. */
const LEAVING_KEYS = ['q', 'Q', '\u0003', '\u0004'];

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
  const leaving = new AbortController();
  const either = AbortSignal.any([signal, leaving.signal]);
  const leave = enter(context, () => leaving.abort());
  try {
    let shown: ScreenFrame | undefined;
    while (!either.aborted) {
      const { width, height } = output.size;
      const resized = shown?.width !== width || shown.height !== height;
      if (resized || options.changed()) {
        const frame: ScreenFrame = { lines: await options.paint({ width, height }), width, height };
        output.raw(repaint(shown, frame));
        shown = frame;
      }
      await pause(options.intervalMs, either, process.stdout);
    }
  } finally {
    leave();
  }
}

/**
 * Takes the terminal; the returned function gives it back, once. A process that ends without
 * calling it gives it back too.
 */
function enter({ output, stdin }: CommandContext, key: () => void): () => void {
  const pressed = (chunk: Buffer | string): void => {
    const text = String(chunk);
    if (LEAVING_KEYS.some((leaving) => text.includes(leaving))) key();
  };
  let entered = true;
  const leave = (): void => {
    if (!entered) return;
    entered = false;
    process.off('exit', leave);
    stdin.off('data', pressed);
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
    stdin.on('data', pressed);
    stdin.resume();
  }
  return leave;
}

/**
 * Runs `look` once per interval until the command is ended; for programs that read a stream of
 * lines.
 */
export async function everyInterval(
  { signal }: CommandContext,
  intervalMs: number,
  look: () => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await look();
    await pause(intervalMs, signal);
  }
}
