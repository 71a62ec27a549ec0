/**
 * Shows each new publication of a mirror until the command is interrupted: as a picture that is
 * painted again, or as a stream of records. `mirrorflow show` and `fit` call it with `--watch`.
 * Reads the mirror's counters; writes to standard output by `watch.ts`.
 */
import type { Mirror } from '../client-lib/index.js';
import type { CommandContext } from './command.js';
import { versionOf } from './mirrored-spectrum.js';
import { everyInterval, watch, type FrameSize } from './watch.js';

/** Paints when the mirror has another publication or state. */
export async function watchUpdates(
  context: CommandContext,
  mirror: Mirror,
  intervalMs: number,
  paint: (size: FrameSize) => Promise<readonly string[]>,
): Promise<void> {
  let shown = '';
  await watch(context, {
    intervalMs,
    changed: () => versionOf(mirror) !== shown,
    paint: (size) => {
      shown = versionOf(mirror);
      return paint(size);
    },
  });
}

/** Prints a record when the mirror has another publication or state, for `--json`. */
export async function streamUpdates(
  context: CommandContext,
  mirror: Mirror,
  intervalMs: number,
  record: () => Promise<object>,
): Promise<void> {
  let shown = '';
  await everyInterval(context, intervalMs, async () => {
    const version = versionOf(mirror);
    if (version === shown) return;
    shown = version;
    context.output.value(await record());
  });
}
