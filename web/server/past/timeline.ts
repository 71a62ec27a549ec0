/**
 * The time line of an application from what is known of its recordings: times that are covered,
 * and changes of the run. The recording thread calls it. Pure.
 */
import type { RunTick, Timeline } from '../../wire/recording.js';
import type { FileList, RecordedFile } from './recorded-files.js';

/** Shorter gaps, between two files or of a restarted recorder, are not shown. */
const GAP_MS = 60_000;
/** Ticks that a page receives: the newest. */
const TICKS_MAX = 2_000;

/** `files` are in the order of their start times, the earliest first. */
export function timelineOf({ files, unreadable }: FileList): Timeline {
  const spans: [number, number][] = [];
  let [coveredMs, publications] = [0, 0];
  for (const file of files) {
    // Whole milliseconds, of which the first has a publication at or before it.
    const [startMs, endMs] = [Math.ceil(file.startNs / 1e6), Math.ceil(file.endNs / 1e6)];
    coveredMs += endMs - startMs;
    publications += file.publications;
    const last = spans.at(-1);
    if (last === undefined || startMs - last[1] > GAP_MS) spans.push([startMs, endMs]);
    else last[1] = Math.max(last[1], endMs);
  }
  return {
    spans,
    runs: ticksOf(files).slice(-TICKS_MAX),
    stepMs: Math.max(1, Math.round(coveredMs / Math.max(1, publications - files.length))),
    unreadable,
  };
}

/** Each file repeats the run that is active when the file begins. */
function ticksOf(files: readonly RecordedFile[]): RunTick[] {
  const marks = files.flatMap(({ runs }) => runs).toSorted((one, other) => one.atNs - other.atNs);
  const ticks: RunTick[] = [];
  for (const { atNs, number, state, title } of marks) {
    const last = ticks.at(-1);
    if (last?.number === number && last.state === state && last.title === title) continue;
    ticks.push({ atMs: Math.round(atNs / 1e6), number, state, title });
  }
  return ticks;
}
