/**
 * Moments of a recording: as text in addresses and names of spectra, on the time line, and the
 * steps of its keys. The page uses it. Pure; times are milliseconds since 1970.
 */
import type { RunTick, Timeline } from '../wire/recording.js';

/** A spectrum, or with `atMs` what it was at a moment. */
export interface SpectrumAtMoment {
  readonly spectrum: string;
  readonly atMs: number | undefined;
}

const TEXT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/;
const NAME = /^(.+) @(\d{4}-\S+Z)$/;
/** Page keys move by this part of the time line. */
const PAGE_PART = 1 / 20;

/** A moment as `2027-03-01T12:34:00Z`, with milliseconds only where there are some. */
export function formatMoment(atMs: number): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}

/** The moment of a text of `formatMoment`; undefined for another text. */
export function parseMoment(text: string): number | undefined {
  const atMs = TEXT.test(text) ? Date.parse(text) : Number.NaN;
  return atMs > 0 ? atMs : undefined;
}

/** A moment in the time zone of the reader, which is stated: `2027-03-01 12:34:00 UTC+1`. */
export function momentText(atMs: number): string {
  return `${localText(atMs)} ${zoneText(atMs)}`;
}

/** The time zone of the reader at a moment, which has summer time or not: `UTC+1`, `UTC-3:30`. */
export function zoneText(atMs: number): string {
  const minutes = -new Date(atMs).getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

/** What times on the page are in, and what those of files and addresses are, with this moment. */
export function zoneHelp(atMs: number): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const offset = zoneText(atMs);
  const zone = timeZone === offset ? offset : `${timeZone}, ${offset}`;
  return `Times of this page are local: ${zone}. Files and addresses have UTC: ${formatMoment(atMs)}`;
}

/** A moment in the time zone of the reader, where that is stated beside it. */
export function localText(atMs: number): string {
  const date = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The name under which a plot shows a spectrum as it was at a moment. */
export function nameAtMoment(spectrum: string, atMs: number): string {
  return `${spectrum} @${formatMoment(atMs)}`;
}

export function spectrumAtMoment(name: string): SpectrumAtMoment {
  const [, spectrum, text = ''] = NAME.exec(name) ?? [];
  const atMs = parseMoment(text);
  return spectrum === undefined || atMs === undefined
    ? { spectrum: name, atMs: undefined }
    : { spectrum, atMs };
}

/** The first and the last recorded time; undefined where nothing is recorded. */
export function timelineRange({ spans }: Timeline): readonly [startMs: number, endMs: number] | undefined {
  const [first, last] = [spans[0], spans.at(-1)];
  return first === undefined || last === undefined ? undefined : [first[0], Math.max(last[1], first[0] + 1)];
}

/** The place of a time on the time line, 0 to 1. */
export function placeOnTimeline([startMs, endMs]: readonly [number, number], atMs: number): number {
  return Math.min(1, Math.max(0, (atMs - startMs) / (endMs - startMs)));
}

/** The run at a moment; undefined before the first. */
export function runAt({ runs }: Timeline, atMs: number): RunTick | undefined {
  return runs.findLast((run) => run.atMs <= atMs);
}

/** Ticks of runs; of ticks closer to each other than `part` of the time line only one. */
export function spacedTicks(timeline: Timeline, part: number): readonly RunTick[] {
  const range = timelineRange(timeline);
  if (range === undefined) return [];
  let lastPlace = -Infinity;
  return timeline.runs.filter(({ atMs }) => {
    const place = placeOnTimeline(range, atMs);
    if (atMs < range[0] || atMs > range[1] || place - lastPlace < part) return false;
    lastPlace = place;
    return true;
  });
}

/**
 * The moment to which a key of the time line moves; undefined for another key. Arrows step from
 * publication to publication, with Shift from run to run.
 */
export function movedByKey(
  timeline: Timeline,
  atMs: number,
  key: string,
  shift: boolean,
): number | undefined {
  const range = timelineRange(timeline);
  if (range === undefined) return undefined;
  const pageMs = (range[1] - range[0]) * PAGE_PART;
  const target = targetOf(timeline, range, atMs, key, shift, pageMs);
  return target === undefined ? undefined : Math.round(Math.min(range[1], Math.max(range[0], target)));
}

function targetOf(
  { runs, stepMs }: Timeline,
  [startMs, endMs]: readonly [number, number],
  atMs: number,
  key: string,
  shift: boolean,
  pageMs: number,
): number | undefined {
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return shift ? (runs.findLast((run) => run.atMs < atMs)?.atMs ?? startMs) : atMs - stepMs;
    case 'ArrowRight':
    case 'ArrowUp':
      return shift ? (runs.find((run) => run.atMs > atMs)?.atMs ?? endMs) : atMs + stepMs;
    case 'PageDown':
      return atMs - pageMs;
    case 'PageUp':
      return atMs + pageMs;
    case 'Home':
      return startMs;
    case 'End':
      return endMs;
    default:
      return undefined;
  }
}
