/**
 * What a plot draws and says: whole labels, minor ticks of a logarithmic axis, units at the cursor;
 * and that updates make the browser lay out nothing.
 */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { eventually } from '../kit/eventually.js';
import { eventuallyDrawn, eventuallyHash, HEIGHTS, placeIn, WIDTHS } from './page-reading.js';
import { startsPages } from './page-system.js';

/** Runs in the page before its code: notes each drawn text with its place on the canvas. */
const NOTE_TEXTS = `(() => {
  window.drawnTexts = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    const { width } = this.measureText(text);
    const start = this.textAlign === 'center' ? x - width / 2 : this.textAlign === 'right' ? x - width : x;
    const matrix = this.getTransform();
    const ends = [start, start + width].map((at) => matrix.transformPoint({ x: at, y }));
    const { canvas } = this;
    window.drawnTexts.push({ text, out: ends.some((end) => end.x < 0 || end.y < 0 || end.x > canvas.width || end.y > canvas.height), squeezed: rest.length > 0 });
    return fillText.call(this, text, x, y, ...rest);
  };
})()`;

/** Runs in the page before its code: counts the reads that make the browser lay out the page. */
const COUNT_LAYOUTS = `(() => {
  window.layoutReads = [];
  const note = (name) => window.layoutReads.push(name + ' ' + (new Error().stack ?? '').split('\\n')[3]);
  const wrapGetters = (prototype, names) => {
    for (const name of names) {
      const own = Object.getOwnPropertyDescriptor(prototype, name);
      if (own?.get === undefined) continue;
      Object.defineProperty(prototype, name, { ...own, get() { note(name); return own.get.call(this); } });
    }
  };
  wrapGetters(Element.prototype, ['clientWidth', 'clientHeight', 'clientLeft', 'clientTop', 'scrollTop', 'scrollLeft', 'scrollWidth', 'scrollHeight']);
  wrapGetters(HTMLElement.prototype, ['offsetWidth', 'offsetHeight', 'offsetLeft', 'offsetTop', 'offsetParent', 'innerText']);
  for (const [prototype, name] of [[Element.prototype, 'getBoundingClientRect'], [Element.prototype, 'getClientRects'], [window, 'getComputedStyle'], [Element.prototype, 'scrollIntoView'], [HTMLElement.prototype, 'focus']]) {
    const own = prototype[name];
    prototype[name] = function (...all) { note(name); return own.apply(this, all); };
  }
})()`;

interface DrawnText {
  readonly text: string;
  readonly out: boolean;
  readonly squeezed: boolean;
}

describe('the drawing of plots', function () {
  const start = startsPages();

  it('no label is cut off or squeezed, and each axis has one notation, at every width', async () => {
    const { page, address, simulator } = await start();
    simulator.step(2_000_000);
    await page.addInitScript(NOTE_TEXTS);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      await page.goto('about:blank');
      await page.goto(
        `${address}#/e1?cols=3&p=ge.00.Co-60&p=ge.01.Eu-152;s=log&p=pid.de-vs-e&p=pid.alpha;u=channels&p=tof;x=10-20&p=dssd.hits`,
      );
      await eventually(
        async () => (await page.locator('.plot[data-sequence]:not([data-sequence=""])').count()) > 0,
        'counts',
      );
      await page.evaluate('document.fonts.ready');
      await page.evaluate("window.drawnTexts.length = 0; document.querySelectorAll('.plot')[0].focus()");
      await page.keyboard.press('ArrowRight');
      const texts = await eventually(async () => {
        const all = (await page.evaluate('window.drawnTexts')) as DrawnText[];
        return all.length > 10 ? all : undefined;
      }, 'drawn labels');
      expect(
        texts.filter(({ out, squeezed }) => out || squeezed),
        `${width} px`,
      ).to.deep.equal([]);
    }
  });

  it('a logarithmic axis has short ticks between the powers of ten, a linear one between its labels', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=ge.00.Co-60;s=log`);
    await eventuallyDrawn(page, 1);
    /** Rows of pixels that have ink directly left of the axis, above the labels below it. */
    const ticks = (): Promise<number> =>
      page.locator('.plot canvas').evaluate((element) => {
        const canvas = element as unknown as {
          width: number;
          height: number;
          getContext(kind: '2d'): {
            getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray };
          };
        };
        const { data } = canvas.getContext('2d').getImageData(56, 0, 1, canvas.height - 34);
        return data.filter((value, at) => at % 4 === 0 && value < 200).length;
      });
    const log = await ticks();
    expect(log).to.be.above(12);
    await page.locator('.plot').focus();
    await page.keyboard.press('l');
    await page.keyboard.press('l');
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60;s=linear');
    await eventually(async () => (await ticks()) !== log, 'other short ticks');
    // Fifths or quarters between four labels or more.
    expect(await ticks()).to.be.above(9);
  });

  it('the read-out at the cursor has units: of the axis, of counts and of rates', async () => {
    const { page, address, simulator } = await start();
    await page.goto(`${address}#/e1?p=ge.00.Co-60&p=tof;r=10&p=pid.alpha`);
    await eventuallyDrawn(page, 3);
    const read = async (plot: number, expected: RegExp): Promise<void> => {
      const place = await placeIn(page, plot, 0.3, 0.5);
      await page.mouse.move(place.x, place.y);
      await eventually(async () => {
        const text = (await page.locator('.plot-read').nth(plot).textContent()) ?? '';
        return expected.test(text);
      }, String(expected));
    };
    await read(0, /^[\d.]+ keV \(ch \d+\) → [\d,]+ counts?$/);
    simulator.step(500_000);
    await read(1, /^-?[\d.]+ ns \(ch \d+\) → [\d.]+[kM]? counts\/s$/);
    await read(2, /^[\d.]+ MeV \(ch \d+\), [\d.]+ MeV \(ch \d+\) → [\d,]+ counts?( \(highest|$)/);
  });

  it('updates of plots, regions, list and header make the browser lay out nothing', async () => {
    const { page, address, simulator } = await start();
    await page.addInitScript(COUNT_LAYOUTS);
    await page.goto(`${address}#/e1?p=ge.00.Co-60;g=A,0,200-300&p=pid.de-vs-e&p=tof;r=1&p=adc.raw`);
    await eventuallyDrawn(page, 4);
    await eventually(
      async () => /±/.test((await page.locator('.region-net').textContent()) ?? ''),
      'a region',
    );
    await page.evaluate('window.layoutReads.length = 0');
    await updates(page, () => simulator.step(10_000));
    expect(await page.evaluate('window.layoutReads')).to.deep.equal([]);
    // What is counted is real.
    await page.evaluate('document.body.clientWidth');
    expect((await page.evaluate('window.layoutReads.length')) as number).to.equal(1);
  });

  /** Twenty publications, each drawn by the first plot. */
  async function updates(page: Page, step: () => void): Promise<void> {
    const plot = page.locator('.plot').first();
    for (let round = 0; round < 20; round += 1) {
      const before = await plot.getAttribute('data-sequence');
      step();
      await eventually(async () => (await plot.getAttribute('data-sequence')) !== before, 'another drawing');
    }
  }
});
