/**
 * A full page stays responsive: 200 spectra listed, 12 live plots of 4,096 channels and a heat map
 * of 1,024 × 1,024, ten updates a second. The browser measures long tasks; its memory is measured
 * after garbage collection. MIRRORFLOW_LONG_TEST_S sets the duration, default 20 seconds.
 */
import { expect } from 'chai';
import type { SpectrumDefinition } from '../../simulator/spectrum-definition.js';
import { needsBrowser, openBrowser } from './browser.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

const WATCHED_S = Number(process.env['MIRRORFLOW_LONG_TEST_S'] ?? 20);
const WARM_UP_S = 5;
/** Longest task of the page; longer unless MIRRORFLOW_TIMES is `strict`, for busy machines. */
const LONG_TASK_MS = process.env['MIRRORFLOW_TIMES'] === 'strict' ? 200 : 5_000;
const HISTOGRAMS = 12;
const LISTED = 200;
const CHANNELS = 4_096;
const MAP = 1_024;
/** Allowed growth after the warm-up: buffers of frames in transit. */
const GROWTH_BYTES = 8 * 2 ** 20;

function spectra(): SpectrumDefinition[] {
  const weights = Float64Array.from(
    { length: CHANNELS },
    (_, bin) => 1 + 20 * Math.exp(-(((bin - 2_000) / 60) ** 2)),
  );
  const map = Float64Array.from({ length: MAP * MAP }, (_, cell) => 1 + (cell % MAP) / MAP);
  const axis = (parameter: string, bins: number) => ({ parameter, low: 0, high: bins, bins, unit: 'keV' });
  return [
    ...Array.from({ length: HISTOGRAMS }, (_, index): SpectrumDefinition => ({
      name: `histogram.${index}`,
      type: 4,
      axes: [axis(`p${index}`, CHANNELS)],
      weights,
    })),
    { name: 'map', type: 5, axes: [axis('x', MAP), axis('y', MAP)], weights: map },
  ];
}

describe('a full page of the web viewer', function () {
  this.timeout((WATCHED_S + 300) * 1_000);
  let system: RealSystem;
  let browser: Awaited<ReturnType<typeof openBrowser>>;

  needsBrowser();

  afterEach(async function () {
    await browser?.close();
    await system?.stop(this.currentTest?.state === 'failed');
  });

  it('a full page draws every update without a long task and without growing', async function () {
    system = new RealSystem();
    system.web = 'tcp://127.0.0.1:0';
    await system.startHost();
    const simulator = await system.simulator({
      rate: 20_000,
      intervalMs: 100,
      channelBytes: 8 * 2 ** 20,
      spectra: spectra(),
      fillers: LISTED - HISTOGRAMS - 2,
    });
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 100 });
    const address = await eventually(async () => (await system.host.info()).web, 'the web viewer serves');
    browser = await openBrowser({ width: 1_600, height: 1_200 });
    const page = browser.context.pages()[0] ?? (await browser.context.newPage());
    const plots = [...Array.from({ length: HISTOGRAMS }, (_, index) => `p=histogram.${index}`), 'p=map'].join(
      '&',
    );
    await page.goto(`${address}#/e1?cols=4&${plots}`);
    const drawn = page.locator('.plot[data-sequence]:not([data-sequence=""])');
    await eventually(async () => (await drawn.count()) === HISTOGRAMS + 1, 'all plots');
    await eventually(
      async () => (await page.locator('.list-count').textContent())?.startsWith('200 spectra') === true,
      'the list',
    );
    const session = await browser.context.newCDPSession(page);
    await session.send('Performance.enable');
    const heapBytes = async (): Promise<number> => {
      await session.send('HeapProfiler.collectGarbage');
      const { metrics } = await session.send('Performance.getMetrics');
      return metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0;
    };
    const sequences = async (): Promise<number[]> =>
      drawn.evaluateAll((all) =>
        all.map((plot) => Number((plot as unknown as { dataset: { sequence: string } }).dataset.sequence)),
      );
    await page.waitForTimeout(WARM_UP_S * 1_000);
    await page.evaluate(
      "window.longTasks = []; new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })",
    );
    const [heapBefore, before] = [await heapBytes(), await sequences()];
    await page.evaluate('window.longTasks.length = 0');
    await page.waitForTimeout(WATCHED_S * 1_000);
    const long = (await page.evaluate('window.longTasks')) as number[];
    const [after, heapAfter] = [await sequences(), await heapBytes()];
    const updates = Math.min(...after.map((sequence, index) => sequence - (before[index] ?? 0)));
    process.stdout.write(
      `      ${WATCHED_S} s: ${updates} publications drawn by every plot, longest task ${Math.round(Math.max(0, ...long))} ms, ` +
        `heap ${(heapBefore / 2 ** 20).toFixed(1)} → ${(heapAfter / 2 ** 20).toFixed(1)} MiB\n`,
    );
    expect(long.filter((ms) => ms > LONG_TASK_MS)).to.deep.equal([]);
    expect(updates).to.be.above(0);
    expect(heapAfter - heapBefore).to.be.below(GROWTH_BYTES);
  });
});
