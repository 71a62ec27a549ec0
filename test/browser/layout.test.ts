/** Everything is in reach: bars, plots and tabs on a phone, on three screens, and at 200 % zoom. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { eventually } from '../kit/eventually.js';
import { startsPages } from './page-system.js';
import { eventuallyDrawn, eventuallyHash, HEIGHTS, WIDTHS } from './page-reading.js';

const LONG = 'ge.00.Co-60,ge.01.Eu-152,ge.02.Cs-137';
const NAMES = [LONG, 'pid.de-vs-e', 'tof;g=A,0,200-300', 'adc.raw'];

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Card {
  readonly card: Box;
  readonly title: Box;
  readonly close: Box;
  readonly canvas: Box;
  /** No part of the title is cut off. */
  readonly whole: boolean;
  /** The close button receives a click on its middle. */
  readonly reached: boolean;
}

/** Runs in the page: the boxes of each card, each scrolled into view first. */
const CARDS = `(() => [...document.querySelectorAll('.plot')].map((plot) => {
  const find = (name) => plot.querySelector(name);
  const close = find('.plot-tools > button');
  close.scrollIntoView({ block: 'center' });
  const box = (element) => { const { left, top, right, bottom } = element.getBoundingClientRect(); return { left, top, right, bottom }; };
  const { left, top, right, bottom } = close.getBoundingClientRect();
  const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  const { scrollWidth, clientWidth } = find('.plot-title');
  return { whole: scrollWidth <= clientWidth, card: box(plot), title: box(find('.plot-title')), close: box(close), canvas: box(find('canvas')), reached: hit === close };
}))()`;

describe('the layout of the page', function () {
  const start = startsPages();

  it('twelve plots have their close button inside of a one-line bar, at every width', async () => {
    const { page, address } = await start();
    const plots = Array.from({ length: 12 }, (_, at) => `p=${NAMES[at % NAMES.length]}`).join('&');
    await page.goto(`${address}#/e1?${plots}`);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      await eventuallyDrawnInView(page);
      const cards = (await page.evaluate(CARDS)) as Card[];
      expect(cards).to.have.length(12);
      for (const { card, title, close, canvas, reached, whole } of cards) {
        const place = `${width} px`;
        expect(close.right, place).to.be.at.most(card.right);
        expect(close.bottom, place).to.be.at.most(canvas.top);
        expect(title.right, place).to.be.at.most(close.left);
        expect(title.bottom - title.top, place).to.be.below(26);
        expect(whole || title.right - title.left > 60, place).to.equal(true);
        expect(reached, place).to.equal(true);
        expect(card.right, place).to.be.at.most(width);
      }
    }
  });

  it('the canvases of a row have one height and one top, with and without regions', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?cols=2&${NAMES.map((name) => `p=${name}`).join('&')}`);
    for (const width of [1280, 1440, 1920] as const) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      await eventuallyDrawn(page, 4);
      const [one, two, three, four] = await canvases(page);
      expect(one!.y).to.equal(two!.y);
      expect(three!.y).to.equal(four!.y);
      for (const other of [two, three, four]) {
        expect(other!.height).to.be.closeTo(one!.height, 0.5);
        expect(other!.width).to.be.closeTo(one!.width, 0.5);
      }
    }
  });

  it('a plot keeps its size when a region comes, and when it gets a fit', async () => {
    const { page, address } = await start();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      await page.goto(`${address}#/e1?p=ge.00.Co-60&p=tof`);
      await eventuallyDrawn(page, 2);
      const before = await canvases(page);
      await page.goto(`${address}#/e1?p=ge.00.Co-60;g=A,0,200-300,gauss.1.1&p=tof`);
      await eventually(
        async () => /±/.test((await page.locator('.fit-text output').textContent()) ?? ''),
        'the fit',
      );
      const after = await canvases(page);
      expect(after[0]!.height, `${width} px`).to.equal(before[0]!.height);
      expect(after[0]!.y, `${width} px`).to.equal(before[0]!.y);
      // The table is below the plot, and the board scrolls.
      const table = (await page.locator('.regions').first().boundingBox())!;
      expect(table.y).to.be.at.least(after[0]!.y + after[0]!.height);
      const next = (await page.locator('.plot').nth(1).boundingBox())!;
      if (width === 390) expect(next.y).to.be.at.least(table.y + table.height);
    }
  });

  it('the header has one height with and without the run of SpecTcl', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=tof`);
    await page.locator('.run').waitFor();
    await page.locator(".pill[data-state='live']").waitFor();
    for (const width of [1280, 1440, 1920] as const) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      const [shown, hidden] = (await page.evaluate(`(() => {
        const run = document.querySelector('.run');
        const height = () => document.querySelector('header').getBoundingClientRect().height;
        const shown = height();
        run.style.display = 'none';
        const hidden = height();
        run.style.display = '';
        return [shown, hidden];
      })()`)) as number[];
      expect(shown, `${width} px`).to.equal(hidden);
    }
  });

  it('one map is large on a phone and at 200 % zoom', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=pid.de-vs-e`);
    // 200 % halves the pixels that the page has.
    const sizes: [number, number, number, number][] = [
      [390, 844, 366, 380],
      [640, 400, 616, 255],
      [720, 450, 690, 280],
      [960, 540, 630, 390],
    ];
    for (const [width, height, leastWidth, leastHeight] of sizes) {
      await page.setViewportSize({ width, height });
      await eventuallyDrawn(page, 1);
      const [canvas] = await canvases(page);
      expect(canvas!.width, `${width} px`).to.be.at.least(leastWidth);
      expect(canvas!.height, `${width} px`).to.be.at.least(leastHeight);
      const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      expect(wide, `${width} px`).to.equal(false);
    }
  });

  it('what does not fit into the bar of a plot is in its menu, and works there', async () => {
    const { page, address } = await start({ width: 390, height: 844 });
    await page.goto(`${address}#/e1?p=${LONG}`);
    await eventuallyDrawn(page, 1);
    const inBar = page.locator('.plot-tools > .plot-selects');
    expect(await inBar.isVisible()).to.equal(false);
    await page.locator('.menu summary').click();
    await page.locator('.menu-items').getByLabel('Scale of counts').selectOption('log');
    await eventuallyHash(page, `#/e1?p=${LONG};s=log`);
    const menu = (await page.locator('.menu-items').boundingBox())!;
    expect(menu.x).to.be.at.least(0);
    expect(menu.x + menu.width).to.be.at.most(390);
    await page.setViewportSize({ width: 1920, height: 1080 });
    await inBar.waitFor();
    expect(await inBar.getByLabel('Scale of counts').inputValue()).to.equal('log');
    expect(await page.locator('.menu-items').getByLabel('Scale of counts').isVisible()).to.equal(false);
  });

  it('the tabs stay where they are on both pages and in every state', async () => {
    const { page, address, simulator } = await start({ secret: true });
    await page.goto(`${address}#/e1?p=tof`);
    await eventuallyDrawn(page, 1);
    const place = async (): Promise<unknown[]> =>
      Promise.all(
        ['Spectra', 'Network'].map((name) => page.locator('.tab', { hasText: name }).boundingBox()),
      );
    const places = new Map<number, unknown>();
    const compare = async (when: string): Promise<void> => {
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: HEIGHTS[width] });
        const now = await place();
        if (!places.has(width)) places.set(width, now);
        expect(now, `${width} px, ${when}`).to.deep.equal(places.get(width));
      }
    };
    await page.locator('.pill[data-state="live"]').waitFor();
    await compare('live');
    await page.locator('.tab', { hasText: 'Network' }).click();
    await page.locator('.network-picture svg').waitFor();
    await compare('the network page');
    await page.keyboard.press('n');
    await page.keyboard.press('p');
    await page.locator('.pill[data-state="paused"]').waitFor();
    await compare('paused');
    await page.keyboard.press('p');
    await simulator.close();
    await page.locator('.pill[data-state="stale"]').waitFor();
    await compare('stale, with a cause');
  });

  async function canvases(page: Page): Promise<{ x: number; y: number; width: number; height: number }[]> {
    const all = await page.locator('.plot canvas').all();
    const boxes = await Promise.all(all.map((canvas) => canvas.boundingBox()));
    return boxes.map((box) => box!);
  }

  /** Plots that are scrolled away subscribe to nothing. */
  async function eventuallyDrawnInView(page: Page): Promise<void> {
    await eventually(
      async () => (await page.locator('.plot[data-sequence]:not([data-sequence=""])').count()) > 0,
      'a plot with counts',
    );
  }
});
