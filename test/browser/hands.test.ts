/** Mouse, keys and fingers on the plots of a page, as real input of the browser. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { eventually } from '../kit/eventually.js';
import { Fingers } from './fingers.js';
import { dragged, eventuallyDrawn, eventuallyHash, hashOf, HEIGHTS, placeIn } from './page-reading.js';
import { startsPages } from './page-system.js';

const ZOOMED = '#/e1?p=ge.00.Co-60;x=1000-3000';

function rangeOf(hash: string, key = 'x'): [number, number] {
  const [, from, to] = new RegExp(`;${key}=(\\d+)-(\\d+)`).exec(hash) ?? [];
  return [Number(from), Number(to)];
}

describe('mouse and keys on a plot', function () {
  const start = startsPages();

  for (const width of [1280, 1440, 1920] as const) {
    it(`the visible part is moved by a drag beside an axis and by a wheel, without Alt (${width} px)`, async () => {
      const { page, address } = await start({ width, height: HEIGHTS[width] });
      await page.goto(address + ZOOMED);
      await eventuallyDrawn(page, 1);
      const axis = await placeIn(page, 0, 0.5, 1.05);
      const end = await placeIn(page, 0, 0.75, 1.05);
      await dragged(page, axis, end);
      // A quarter of the visible channels.
      const moved = rangeOf(await eventuallyHash(page, /;x=(?!1000)/));
      expect(moved[0]).to.be.closeTo(500, 12);
      expect(moved[1] - moved[0]).to.equal(2000);
      const inside = await placeIn(page, 0, 0.5, 0.5);
      await page.mouse.move(inside.x, inside.y);
      await page.mouse.wheel(120, 0);
      const right = rangeOf(
        await eventually(async () => {
          const hash = await hashOf(page);
          return rangeOf(hash)[0] > moved[0] ? hash : undefined;
        }, 'a part further right'),
      );
      expect(right[1] - right[0]).to.equal(2000);
      await page.goto(`${address}#/e1?p=pid.de-vs-e;y=100-200`);
      await eventuallyDrawn(page, 1);
      const left = await placeIn(page, 0, -0.03, 0.5);
      await dragged(page, left, { x: left.x, y: left.y + 40 });
      const up = await eventuallyHash(page, /;y=(?!100-)/);
      expect(rangeOf(up, 'y')[0]).to.be.above(100);
      expect(up).to.not.match(/;x=/);
    });
  }

  it('keys are for the plot under the pointer, and after Tab for the one with the focus', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=tof&p=adc.raw`);
    await eventuallyDrawn(page, 2);
    const second = await placeIn(page, 1, 0.5, 0.5);
    await page.mouse.move(second.x, second.y);
    await page.keyboard.press('l');
    await eventuallyHash(page, '#/e1?p=tof&p=adc.raw;s=log');
    const first = await placeIn(page, 0, 0.5, 0.5);
    await page.mouse.move(first.x, first.y);
    await page.keyboard.press('u');
    await eventuallyHash(page, '#/e1?p=tof;u=channels&p=adc.raw;s=log');
    // The pointer rests on the first plot.
    await page.locator('.plot').nth(1).focus();
    await page.keyboard.press('l');
    await eventuallyHash(page, '#/e1?p=tof;u=channels&p=adc.raw;s=sqrt');
    // In the list the arrows select spectra.
    await page.locator('.list-scroll').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('l');
    const selected = page.locator('.row[aria-selected="true"]');
    await eventually(async () => (await selected.getAttribute('id')) === 'row-1', 'the second row');
    expect(await hashOf(page)).to.equal('#/e1?p=tof;u=channels&p=adc.raw;s=sqrt');
  });

  it('Escape ends a drag without its effect: zoom, region, limit of a region, moving', async () => {
    const { page, address } = await start();
    const opened = `${ZOOMED};g=A,0,1500-2500`;
    await page.goto(address + opened);
    await eventuallyDrawn(page, 1);
    const drags: [string, number, number, boolean][] = [
      ['zoom', 0.1, 0.5, false],
      ['region', 0.1, 0.5, true],
      ['a limit', 0.25, 0.5, false],
      ['moving', 0.5, 1.05, false],
    ];
    for (const [what, right, down, shift] of drags) {
      const from = await placeIn(page, 0, right, down);
      await page.mouse.move(from.x, from.y);
      if (shift) await page.keyboard.down('Shift');
      await page.mouse.down();
      await page.mouse.move(from.x + 80, from.y);
      if (shift) await page.keyboard.up('Shift');
      await page.keyboard.press('Escape');
      await page.mouse.move(from.x + 120, from.y);
      await page.mouse.up();
      expect(await hashOf(page), what).to.equal(opened);
      expect(await page.getByLabel('Lower limit of region A').inputValue(), what).to.equal(
        await page.evaluate('window.lowerLimit ??= document.querySelector(".region-limits input").value'),
      );
    }
    // The plot itself is as before: the same drag now has its effect.
    await dragged(page, await placeIn(page, 0, 0.1, 0.5), await placeIn(page, 0, 0.2, 0.5));
    await eventuallyHash(page, /;x=1[12]\d\d-1[34]\d\d/);
  });

  it('a click with Shift in the list overlays the spectrum on the active plot and selects no text', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=tof&p=adc.raw`);
    await eventuallyDrawn(page, 2);
    await page.locator('.plot').first().focus();
    await page.locator('.row[data-name="ge.00.Co-60"] .row-name').click();
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60&p=adc.raw');
    await page.locator('.row[data-name="ge.02.Cs-137"] .row-name').click({ modifiers: ['Shift'] });
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60,ge.02.Cs-137&p=adc.raw');
    expect(await page.evaluate('getSelection().toString()')).to.equal('');
  });
});

describe('fingers on a plot', function () {
  const start = startsPages();
  const phone = { width: 390, height: 844, touch: true };

  async function open(hash: string): Promise<{ page: Page; fingers: Fingers; address: string }> {
    const { page, address } = await start(phone);
    await page.goto(address + hash);
    await eventually(
      async () => (await page.locator('.plot[data-sequence]:not([data-sequence=""])').count()) > 0,
      'counts',
    );
    return { page, fingers: await Fingers.on(page), address };
  }

  const scrolled = (page: Page): Promise<number> => page.evaluate('scrollY');

  it('a swipe up scrolls the page and leaves the plot as it is', async () => {
    const opened = '#/e1?p=ge.00.Co-60;x=1000-3000&p=tof&p=adc.raw';
    const { page, fingers } = await open(opened);
    const from = await placeIn(page, 0, 0.5, 0.8);
    await fingers.swipe(from, { x: from.x, y: from.y - 250 });
    await eventually(async () => (await scrolled(page)) > 100, 'a scrolled page');
    expect(await hashOf(page)).to.equal(opened);
  });

  it('a swipe sideways moves the visible part', async () => {
    const { page, fingers } = await open(ZOOMED);
    await fingers.swipe(await placeIn(page, 0, 0.75, 0.5), await placeIn(page, 0, 0.25, 0.5));
    const [low, high] = rangeOf(await eventuallyHash(page, /;x=(?!1000)/));
    expect(low).to.be.closeTo(2000, 60);
    expect(high - low).to.equal(2000);
    expect(await scrolled(page)).to.equal(0);
  });

  it('two fingers zoom about the place between them and move it, without scrolling', async () => {
    const { page, fingers } = await open(`${ZOOMED}&p=tof&p=adc.raw`);
    const at = async (right: number): Promise<{ x: number; y: number }> => placeIn(page, 0, right, 0.5);
    const before = [await at(0.4), await at(0.6)];
    await fingers.down(...before);
    await fingers.move(before, [await at(0.2), await at(0.8)]);
    await fingers.up();
    const [low, high] = rangeOf(await eventuallyHash(page, /;x=(?!1000)/));
    expect(high - low).to.be.closeTo(2000 / 3, 30);
    expect((low + high) / 2).to.be.closeTo(2000, 30);
    expect(await scrolled(page)).to.equal(0);
    await page.goBack();
    await eventuallyHash(page, /;x=1000-3000/);
    await fingers.down(...before);
    await fingers.move(before, [await at(0.65), await at(0.85)]);
    await fingers.up();
    const moved = rangeOf(await eventuallyHash(page, /;x=(?!1000)/));
    expect(moved[0]).to.be.closeTo(500, 40);
    expect(moved[1] - moved[0]).to.be.closeTo(2000, 40);
  });

  it('a long press marks a region: a moved finger draws it, a still one marks a tenth', async () => {
    const { page, fingers } = await open(ZOOMED);
    const from = await placeIn(page, 0, 0.25, 0.5);
    const to = await placeIn(page, 0, 0.5, 0.5);
    const marked = (count: number): Promise<unknown> =>
      eventually(async () => (await page.locator('.region').count()) === count, `${count} regions`);
    await fingers.down(from);
    await eventually(
      async () => (await page.locator('.plot').getAttribute('data-marking')) === 'true',
      'a long press',
    );
    await fingers.move([from], [to]);
    await fingers.up();
    await marked(1);
    const [low, high] = rangeOf((await hashOf(page)).replace(';g=A,0,', ';g='), 'g');
    expect(low).to.be.closeTo(1500, 12);
    expect(high).to.be.closeTo(2000, 12);
    const still = await placeIn(page, 0, 0.8, 0.5);
    await fingers.down(still);
    await eventually(
      async () => (await page.locator('.plot').getAttribute('data-marking')) === 'true',
      'a long press',
    );
    await fingers.up();
    await marked(2);
    const [from2, to2] = rangeOf((await hashOf(page)).replace(/;g=A[^;]*;g=B,0,/, ';g='), 'g');
    expect(to2 - from2).to.be.closeTo(200, 4);
    expect((from2 + to2) / 2).to.be.closeTo(2600, 14);
    expect(await scrolled(page)).to.equal(0);
  });

  it('a finger that the system takes away ends the gesture without its effect', async () => {
    const { page, fingers } = await open(ZOOMED);
    const from = await placeIn(page, 0, 0.75, 0.5);
    await fingers.down(from);
    await fingers.move([from], [await placeIn(page, 0, 0.25, 0.5)]);
    await fingers.cancel();
    expect(await hashOf(page)).to.equal(ZOOMED);
    // The next gesture begins with the part of before.
    await fingers.swipe(await placeIn(page, 0, 0.5, 0.5), await placeIn(page, 0, 0.25, 0.5));
    const [low] = rangeOf(await eventuallyHash(page, /;x=(?!1000)/));
    expect(low).to.be.closeTo(1500, 60);
  });

  it('the list opens over the plots of a phone, and makes room again for what was chosen', async () => {
    const { page } = await open('#/e1?p=tof');
    expect(await page.locator('.list-scroll').isVisible()).to.equal(false);
    await page.locator('.list-toggle').tap();
    await page.locator('.row[data-name="ge.00.Co-60"]').tap();
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60');
    expect(await page.locator('.list-scroll').isVisible()).to.equal(false);
    await page.locator('.plot .menu summary').tap();
    await page.locator('.plot').getByRole('button', { name: 'Remove the plot of ge.00.Co-60' }).tap();
    await page.locator('.board-empty').waitFor();
    await page.locator('.notices').getByRole('button', { name: 'Undo' }).tap();
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60');
  });
});
