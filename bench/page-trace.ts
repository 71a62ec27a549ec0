/**
 * Reads the longest task of a page's main thread from a trace of Chromium. Used by `page.ts`. Pure.
 */
export interface LongestTask {
  /** By the clock, milliseconds: with the time that the thread waited for a processor. */
  readonly wallMs: number;
  /** By its processor time, milliseconds. */
  readonly cpuMs: number;
}

/** The members of an event that are used; times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  /** Processor time. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** The task and the main thread of pages in Chromium's traces. */
const TASK = 'RunTask';
const MAIN_THREAD = 'CrRendererMain';

/** Throws when the trace has no task of a page. */
export function longestTask(trace: Buffer): LongestTask {
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { traceEvents: readonly TraceEvent[] };
  const keyOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const mainThreads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === MAIN_THREAD)
      .map((event) => keyOf(event)),
  );
  const tasks = traceEvents.filter((event) => event.name === TASK && mainThreads.has(keyOf(event)));
  if (tasks.length === 0) throw new Error('the trace of the browser has no task of the page');
  const longest = (values: readonly number[]): number =>
    values.reduce((most, value) => Math.max(most, value), 0) / 1_000;
  return {
    wallMs: longest(tasks.map(({ dur = 0 }) => dur)),
    cpuMs: longest(tasks.map(({ tdur = 0 }) => tdur)),
  };
}
