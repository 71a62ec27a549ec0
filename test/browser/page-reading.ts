/**
 * What the tests of browser/ read off the page: its address, and places on the canvas of a plot.
 * Reads only.
 */
import type { Page } from 'playwright-core';
import { eventually } from '../kit/eventually.js';

/** The widths that the page is made for: a phone, and three screens. */
export const WIDTHS = [390, 1280, 1440, 1920] as const;
export const HEIGHTS: Readonly<Record<(typeof WIDTHS)[number], number>> = {
  390: 844,
  1280: 800,
  1440: 900,
  1920: 1080,
};

export async function hashOf(page: Page): Promise<string> {
  return String(await page.evaluate('location.hash'));
}

export async function eventuallyHash(page: Page, expected: RegExp | string): Promise<string> {
  return eventually(
    async () => {
      const hash = await hashOf(page);
      return (typeof expected === 'string' ? hash === expected : expected.test(hash)) ? hash : undefined;
    },
    `the address ${String(expected)}`,
  );
}

/** Waits until each plot of the page has counts. */
export async function eventuallyDrawn(page: Page, plots: number): Promise<void> {
  const drawn = page.locator('.plot[data-sequence]:not([data-sequence=""])');
  await eventually(async () => (await drawn.count()) === plots, `${plots} plots with counts`);
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A place in a plot, 0 to 1 of the counts from left and top; below 0 or above 1 beside an axis. */
export async function placeIn(page: Page, plot: number, right: number, down: number): Promise<Point> {
  const box = (await page.locator('.plot canvas').nth(plot).boundingBox())!;
  const isMap = (await page.locator('.plot').nth(plot).getAttribute('aria-label'))?.includes('pid.');
  const [left, beside] = [58, isMap === true ? 122 : 70];
  return {
    x: right < 0 ? box.x + 25 : box.x + left + right * (box.width - beside),
    y: down > 1 ? box.y + box.height - 15 : box.y + 8 + down * (box.height - 42),
  };
}

export async function dragged(page: Page, from: Point, to: Point): Promise<void> {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2);
  await page.mouse.move(to.x, to.y);
  await page.mouse.up();
}
