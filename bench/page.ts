/**
 * `page`: the web viewer in Chromium with 12 plots and a map of 512 × 512 at ten updates a second,
 * with four live fits and, in the same run, without: the longest task of the page's main thread,
 * the growth of its memory, the time until the first plot is drawn, and the size of the scripts at
 * opening; the bytes of four plots over a slow line (`page-line.ts`); and the list of 10,000
 * spectra (`page-list.ts`). Starts real systems and a browser; without a browser it has no rows.
 */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { pageLine } from './page-line.js';
import { LIST_CASE, pageList } from './page-list.js';
import { longestTask, type LongestTask } from './page-trace.js';
import { makeRow, type Peer, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { elapsedMs, pause, startSimulatorProcess, startSystem } from './system.js';

const BROWSERS = [process.env['MIRRORFLOW_BROWSER'], '/usr/bin/chromium', '/usr/bin/google-chrome'];
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
const WARM_UP_MS = 5_000;
/** One measurement; `--duration` counts where it is longer. */
const WATCHED_MS = 10_000;
const MIB = 2 ** 20;
const DRAWN = '.plot[data-sequence]:not([data-sequence=""])';

/** Regions around lines of the sources, in stored channels, as in the link of a page. */
const FITTED = [
  'ge.00.Co-60;g=A,0,2622-2712',
  'ge.00.Co-60;g=A,0,2310-2380',
  'ge.02.Cs-137;g=A,0,2600-2700',
  'ge.01.Eu-152;g=A,0,438-538',
];
const OTHERS = ['ge.03.Th-228', 'tof', 'adc.raw', 'ge.01.Eu-152', 'ge.02.Cs-137', 'ge.00.Co-60', 'tof;r=10'];
const MAP = 'pid.de-vs-e';

interface Figures extends LongestTask {
  readonly growthMiB: number;
  readonly openMs: number;
  readonly scriptKB: number;
  /** Updates per second that the plot with the fewest has drawn. */
  readonly updates: number;
}

export async function page(settings: BenchSettings): Promise<Row[]> {
  const executablePath = BROWSERS.find((path) => path !== undefined && path !== '' && existsSync(path));
  if (executablePath === undefined) {
    process.stderr.write('page: no Chromium on this machine; set MIRRORFLOW_BROWSER to one\n');
    return [];
  }
  process.env['MIRRORFLOW_WEB'] = 'tcp://127.0.0.1:0';
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  try {
    const list = isSelected(settings, LIST_CASE) ? [await pageList(browser, settings.repeats)] : [];
    // All other cases are measured together.
    if (settings.only !== undefined && LIST_CASE.includes(settings.only)) return list;
    const board = await measureBoard(browser, settings);
    return [...board.filter((row) => isSelected(settings, row.case)), ...list];
  } finally {
    await browser.close();
  }
}

async function measureBoard(browser: Browser, settings: BenchSettings): Promise<Row[]> {
  const simulator = await startSimulatorProcess(['--rate', '20000', '--interval', '100', '--spectra', '189']);
  const { host, stop } = await startSystem();
  try {
    await host.run({ name: 'bench', source: simulator.address, updateIntervalMs: 100 });
    const address = await webAddress(async () => (await host.info()).web);
    await openOnce(browser, link(address, ''));
    const line = await pageLine(browser, address, 'bench', settings.repeats);
    const fitted: Figures[] = [];
    const plain: Figures[] = [];
    for (let repeat = 0; repeat < settings.repeats; repeat += 1) {
      plain.push(await measure(browser, link(address, ''), 0, settings));
      fitted.push(await measure(browser, link(address, ',gauss.1.1'), FITTED.length, settings));
    }
    return [...rowsOf(fitted, plain), ...line];
  } finally {
    await stop();
    await simulator.stop();
  }
}

/** 12 plots and a map; `fit` follows the region of the first four. */
function link(address: string, fit: string): string {
  const plots = [...FITTED.map((plot) => plot + fit), ...OTHERS, `${OTHERS[0]};s=log`, MAP];
  return `${address}#/bench?cols=4&${plots.map((plot) => `p=${plot}`).join('&')}`;
}

/** Starts the mirror, so that no measurement contains it. */
async function openOnce(browser: Browser, url: string): Promise<void> {
  const context = await browser.newContext();
  const opened = await context.newPage();
  await opened.goto(url);
  await opened.locator(DRAWN).first().waitFor();
  await context.close();
}

/** Throws when the page does not show `fits` fits. */
async function measure(
  browser: Browser,
  url: string,
  fits: number,
  { durationMs }: BenchSettings,
): Promise<Figures> {
  const context = await browser.newContext({ viewport: { width: 1_600, height: 1_200 } });
  try {
    const opened = await context.newPage();
    const openMs = await elapsedMs(async () => {
      await opened.goto(url, { waitUntil: 'commit' });
      await opened.locator(DRAWN).first().waitFor();
    });
    const scriptKB = Number(
      await opened.evaluate(
        "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js') && !name.includes('fit-worker')).reduce((sum, entry) => sum + entry.encodedBodySize, 0) / 1000",
      ),
    );
    await pause(WARM_UP_MS);
    const shown = await opened.locator('.fit-text output').filter({ hasText: 'centroid' }).count();
    if (shown !== fits) throw new Error(`the page shows ${shown} fits instead of ${fits}`);
    const [heapBefore, before] = [await heapMiB(opened), await sequences(opened)];
    const watchedMs = Math.max(durationMs, WATCHED_MS);
    await browser.startTracing(opened, {
      categories: ['disabled-by-default-devtools.timeline', '__metadata'],
    });
    await pause(watchedMs);
    const trace = await browser.stopTracing();
    const [after, heapAfter] = [await sequences(opened), await heapMiB(opened)];
    const updates = Math.min(...after.map((sequence, index) => sequence - (before[index] ?? 0)));
    return {
      ...longestTask(trace),
      growthMiB: heapAfter - heapBefore,
      openMs,
      scriptKB,
      updates: (updates * 1_000) / watchedMs,
    };
  } finally {
    await context.close();
  }
}

/** Memory of the page's script after a garbage collection. */
async function heapMiB(opened: Page): Promise<number> {
  const session = await opened.context().newCDPSession(opened);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  return (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0) / MIB;
}

/** The sequence that each plot shows. */
async function sequences(opened: Page): Promise<number[]> {
  const all = await opened.evaluate(
    "[...document.querySelectorAll('.plot')].map((plot) => Number(plot.dataset.sequence))",
  );
  return all as number[];
}

async function webAddress(ask: () => Promise<string | undefined>): Promise<string> {
  for (;;) {
    const address = await ask();
    if (address !== undefined) return address;
    await pause(50);
  }
}

function rowsOf(fitted: readonly Figures[], plain: readonly Figures[]): Row[] {
  const row = (name: string, unit: string, key: keyof Figures): Row => {
    const peer: Peer = { name: 'the same without fits', values: plain.map((figures) => figures[key]) };
    return makeRow(
      'page',
      `${name}, 12 plots, a map, 4 live fits`,
      unit,
      fitted.map((figures) => figures[key]),
      peer,
    );
  };
  return [
    row('longest task', 'ms', 'wallMs'),
    row('longest task, processor time', 'ms', 'cpuMs'),
    row('updates drawn by every plot', '/s', 'updates'),
    row('growth of memory', 'MiB', 'growthMiB'),
    row('opening until the first plot', 'ms', 'openMs'),
    row('script at opening, compressed', 'kB', 'scriptKB'),
  ];
}
