/** The longest task of a page, read from a trace of Chromium. */
import { expect } from 'chai';
import { longestTask } from '../../bench/page-trace.js';

const thread = (tid: number, name: string) => ({ name: 'thread_name', pid: 1, tid, args: { name } });
const task = (tid: number, dur: number, tdur: number) => ({ name: 'RunTask', pid: 1, tid, dur, tdur });
const trace = (...traceEvents: readonly object[]): Buffer => Buffer.from(JSON.stringify({ traceEvents }));

describe('a trace of the page', () => {
  it('gives the longest task of the main thread, by the clock and by processor time', () => {
    const events = trace(
      thread(1, 'CrRendererMain'),
      thread(2, 'DedicatedWorker thread'),
      task(1, 12_500, 3_000),
      task(1, 9_000, 7_500),
      task(2, 90_000, 90_000),
    );
    expect(longestTask(events)).to.deep.equal({ wallMs: 12.5, cpuMs: 7.5 });
  });

  it('without a task of the main thread is an error and not a task of 0 ms', () => {
    expect(() => longestTask(trace(thread(1, 'CrRendererMain'), task(2, 1, 1)))).to.throw('no task');
  });
});
