/**
 * The run of a SpecTcl from its variables, and its words in the header of the page. The server
 * reads the variables, the page shows the words. Pure: the time comes in as a parameter.
 */
import { formatShortCount } from '../../plotting/numbers.js';
import type { RunInfo } from '../wire/application.js';

/** How many buffers had been analysed at a moment, monotonic milliseconds. */
export interface AnalysedSample {
  readonly atMs: number;
  readonly analysed: number;
}

/** What Rustogramer answers for a variable that it has not. */
const UNDEFINED_VARIABLE = '-undefined-';
const TITLE_CHARACTERS_MAX = 200;

/** `before`: what this returned the last time. Without number and state there is no run. */
export function runInfo(
  variables: Readonly<Record<string, string>>,
  before: AnalysedSample | undefined,
  nowMs: number,
): { readonly info: RunInfo | undefined; readonly sample: AnalysedSample | undefined } {
  const text = (name: string): string | undefined => {
    const value = variables[name]?.trim();
    return value === undefined || value === '' || value === UNDEFINED_VARIABLE ? undefined : value;
  };
  const [number, state, title] = [text('RunNumber'), text('RunState'), text('RunTitle')];
  if (number === undefined && state === undefined) return { info: undefined, sample: undefined };
  const count = Number(text('BuffersAnalyzed') ?? Number.NaN);
  const sample = Number.isFinite(count) ? { atMs: nowMs, analysed: count } : undefined;
  const perSecond = rateBetween(before, sample);
  const info = {
    ...(number === undefined ? {} : { number }),
    ...(title === undefined ? {} : { title: title.slice(0, TITLE_CHARACTERS_MAX) }),
    ...(state === undefined ? {} : { state }),
    ...(sample === undefined ? {} : { analysed: sample.analysed }),
    ...(perSecond === undefined ? {} : { perSecond }),
  };
  return { info, sample };
}

/** SpecTcl counts from 0 again with a new run. */
function rateBetween(
  before: AnalysedSample | undefined,
  now: AnalysedSample | undefined,
): number | undefined {
  if (before === undefined || now === undefined || now.atMs <= before.atMs) return undefined;
  const added = now.analysed >= before.analysed ? now.analysed - before.analysed : now.analysed;
  return (added * 1_000) / (now.atMs - before.atMs);
}

/** As "Run 12 · Active · 34 buffers/s · test beam"; what a narrow header cuts off comes last. */
export function runText({ number, title, state, perSecond }: RunInfo): string {
  return [
    number === undefined ? 'Run' : `Run ${number}`,
    ...(state === undefined ? [] : [state]),
    ...(perSecond === undefined ? [] : [`${formatShortCount(Number(perSecond.toPrecision(2)))} buffers/s`]),
    ...(title === undefined ? [] : [title]),
  ].join(' · ');
}
