/**
 * The bytes that a page of the web viewer receives: four plots for some seconds over a slow line,
 * where frames are packed, and the longest task of its main thread, beside the same page on the
 * server's machine, where they are not. `page.ts` calls it with its browser and system.
 */
import type { Browser } from 'playwright-core';
import { longestTask, type LongestTask } from './page-trace.js';
import { makeRow, type Row } from './report.js';
import { pause } from './system.js';

const PLOTS = ['ge.00.Co-60', 'ge.02.Cs-137', 'tof', 'pid.de-vs-e'];
const WARM_UP_MS = 3_000;
const WATCHED_MS = 5_000;
const DRAWN = '.plot[data-sequence]:not([data-sequence=""])';
const KIB = 1_024;

interface Figures extends LongestTask {
  readonly kibPerSecond: number;
}

/** `address`: of the viewer; `app`: an application that is updated ten times a second. */
export async function pageLine(
  browser: Browser,
  address: string,
  app: string,
  repeats: number,
): Promise<Row[]> {
  const plots = PLOTS.map((name) => `p=${name}`).join('&');
  const packed: Figures[] = [];
  const raw: Figures[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    raw.push(await measure(browser, `${address}#/${app}?${plots}`));
    packed.push(await measure(browser, `${address}?line=slow#/${app}?${plots}`));
  }
  const row = (name: string, unit: string, key: keyof Figures): Row =>
    makeRow(
      'page',
      `${name}, 4 plots over a slow line`,
      unit,
      packed.map((figures) => figures[key]),
      { name: 'the same on the same machine', values: raw.map((figures) => figures[key]) },
    );
  return [
    row('received', 'KiB/s', 'kibPerSecond'),
    row('longest task', 'ms', 'wallMs'),
    row('longest task, processor time', 'ms', 'cpuMs'),
  ];
}

async function measure(browser: Browser, url: string): Promise<Figures> {
  const context = await browser.newContext({ viewport: { width: 1_600, height: 1_200 } });
  try {
    const page = await context.newPage();
    let bytes = 0;
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        bytes += payload.length;
      }),
    );
    await page.goto(url, { waitUntil: 'commit' });
    await page
      .locator(DRAWN)
      .nth(PLOTS.length - 1)
      .waitFor();
    await pause(WARM_UP_MS);
    await browser.startTracing(page, {
      categories: ['disabled-by-default-devtools.timeline', '__metadata'],
    });
    bytes = 0;
    await pause(WATCHED_MS);
    const received = bytes;
    const trace = await browser.stopTracing();
    return { ...longestTask(trace), kibPerSecond: received / KIB / (WATCHED_MS / 1_000) };
  } finally {
    await context.close();
  }
}
