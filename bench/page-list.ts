/**
 * The viewer's list of a SpecTcl whose header is full, with 10,000 spectra: from the opening of the
 * page until the list has all of them, beside the same page of a SpecTcl with 100. `page.ts` calls
 * it with its browser. Starts two real systems, one after the other.
 */
import type { Browser } from 'playwright-core';
import { makeRow, type Row } from './report.js';
import { elapsedMs, pause, startSimulatorProcess, startSystem } from './system.js';

export const LIST_CASE = 'opening until 10,000 spectra are listed';
const FULL = 10_000;
const FEW = 100;
const POLL_INTERVAL_MS = 20;

export async function pageList(browser: Browser, repeats: number): Promise<Row> {
  const few = await openings(browser, FEW, repeats);
  const full = await openings(browser, FULL, repeats);
  return makeRow('page', LIST_CASE, 'ms', full, { name: `${FEW} spectra`, values: few });
}

/** Milliseconds of each opening; the first, which starts the mirror, is not counted. */
async function openings(browser: Browser, spectra: number, repeats: number): Promise<number[]> {
  // With the checksum spectrum.
  const options = ['--memory', '8', '--spectra', String(spectra - 1), '--fillers-only', '--rate', '0'];
  const simulator = await startSimulatorProcess(options);
  const { host, stop } = await startSystem();
  try {
    await host.run({ name: 'bench', source: simulator.address });
    let address: string | undefined;
    while (address === undefined) {
      address = (await host.info()).web;
      await pause(POLL_INTERVAL_MS);
    }
    const times: number[] = [];
    for (let repeat = 0; repeat <= repeats; repeat += 1)
      times.push(await opening(browser, `${address}#/bench`, spectra));
    return times.slice(1);
  } finally {
    await stop();
    await simulator.stop();
  }
}

async function opening(browser: Browser, url: string, spectra: number): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1_600, height: 1_200 } });
  try {
    const opened = await context.newPage();
    return await elapsedMs(async () => {
      await opened.goto(url, { waitUntil: 'commit' });
      await opened
        .locator('.list-count')
        .filter({ hasText: `${spectra} spectra` })
        .waitFor();
    });
  } finally {
    await context.close();
  }
}
