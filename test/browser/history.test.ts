/** Nothing is lost by a click: steps of the page, undo and Back, zoom back, limits. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { eventually } from '../kit/eventually.js';
import { startsPages } from './page-system.js';
import {
  dragged,
  eventuallyDrawn,
  eventuallyHash,
  hashOf,
  HEIGHTS,
  placeIn,
  WIDTHS,
} from './page-reading.js';

const WORK = '#/e1?p=ge.00.Co-60;s=log;x=100-900;g=A,0,200-300,gauss.1.1&p=tof';

describe('steps of the page', function () {
  const start = startsPages();

  async function clickRow(page: Page, name: string, width: number): Promise<void> {
    if (width < 760) await page.locator('.list-toggle').click();
    await page.locator('.list input').fill(name);
    await page.locator(`.row[data-name="${name}"]`).click();
    await page.locator('.list input').fill('');
  }

  it('a click in the list changes the active plot, and Back restores it whole, at every width', async () => {
    const { page, address, problems } = await start();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHTS[width] });
      await page.goto('about:blank');
      await page.goto(address + WORK);
      await eventuallyDrawn(page, 2);
      await page.locator('.plot').first().focus();
      await clickRow(page, 'adc.raw', width);
      await eventuallyHash(page, '#/e1?p=adc.raw&p=tof');
      expect(await page.locator('.plot').first().getAttribute('aria-current')).to.equal('true');
      await page.goBack();
      await eventuallyHash(page, WORK);
      await eventually(
        async () => /centroid/.test((await page.locator('.fit-text output').textContent()) ?? ''),
        'the fit of the region again',
      );
      await page.goForward();
      await eventuallyHash(page, '#/e1?p=adc.raw&p=tof');
    }
    expect(problems).to.deep.equal([]);
  });

  it('Ctrl+Z takes back each change, and Ctrl+Y repeats it', async () => {
    const { page, address } = await start();
    await page.goto(address + WORK);
    await eventuallyDrawn(page, 2);
    await page.locator('.plot').nth(1).focus();
    await page.keyboard.press('l');
    await eventuallyHash(page, /p=tof;s=log$/);
    await page.getByRole('button', { name: 'Remove the plot of ge.00.Co-60' }).click();
    await eventuallyHash(page, '#/e1?p=tof;s=log');
    await page.getByLabel('Plots side by side').selectOption('2');
    await eventuallyHash(page, '#/e1?cols=2&p=tof;s=log');
    await page.locator('.plot').focus();
    await page.keyboard.press('Control+z');
    await eventuallyHash(page, '#/e1?p=tof;s=log');
    await page.keyboard.press('Control+z');
    await eventuallyHash(page, `${WORK};s=log`);
    await eventuallyDrawn(page, 2);
    await page.keyboard.press('Control+z');
    await eventuallyHash(page, WORK);
    await page.keyboard.press('Control+y');
    await eventuallyHash(page, `${WORK};s=log`);
    await page.locator('.top-tools').getByRole('button', { name: 'Undo' }).click();
    await eventuallyHash(page, WORK);
    await page.keyboard.press('Control+z');
    expect(await page.locator('.notices').textContent()).to.equal('Nothing to undo.');
    expect(await hashOf(page)).to.equal(WORK);
  });

  it('turns of the wheel are one step, and so is a drag', async () => {
    const { page, address } = await start();
    const opened = '#/e1?p=ge.00.Co-60';
    await page.goto(address + opened);
    await eventuallyDrawn(page, 1);
    const middle = await placeIn(page, 0, 0.5, 0.5);
    await page.mouse.move(middle.x, middle.y);
    for (let turn = 0; turn < 5; turn += 1) await page.mouse.wheel(0, -200);
    await eventuallyHash(page, /;x=\d+-\d+$/);
    await page.keyboard.press('Control+z');
    await eventuallyHash(page, opened);
    await page.goto(`${address + opened};x=1000-3000`);
    const axis = await placeIn(page, 0, 0.5, 1.05);
    await dragged(page, axis, { x: axis.x - 100, y: axis.y });
    await eventuallyHash(page, /;x=1[1-9]\d\d-3[1-9]\d\d$/);
    await page.keyboard.press('Control+z');
    await eventuallyHash(page, `${opened};x=1000-3000`);
  });

  it('zoom back shows the part before each zoom, by key and by menu', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=ge.00.Co-60`);
    await eventuallyDrawn(page, 1);
    await dragged(page, await placeIn(page, 0, 0.2, 0.5), await placeIn(page, 0, 0.8, 0.5));
    const first = await eventuallyHash(page, /;x=\d+-\d+$/);
    await dragged(page, await placeIn(page, 0, 0.2, 0.5), await placeIn(page, 0, 0.8, 0.5));
    await eventually(async () => (await hashOf(page)) !== first, 'a second zoom');
    await page.keyboard.press('l');
    await page.keyboard.press('z');
    await eventuallyHash(page, first.replace(';x', ';s=log;x'));
    await page.locator('.menu summary').click();
    await page.getByRole('button', { name: 'Zoom back' }).click();
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60;s=log');
  });

  it('a page opened without plots adds no step until the user makes one', async () => {
    const { page, address } = await start();
    await page.goto(`${address}healthz`);
    await page.goto(address);
    await eventuallyHash(page, /^#\/e1\?p=.+&p=/);
    await eventuallyDrawn(page, 4);
    const suggested = await hashOf(page);
    await page.locator('.plot').first().focus();
    await page.keyboard.press('u');
    await eventuallyHash(page, /u=channels/);
    await page.goBack();
    await eventuallyHash(page, suggested);
    await page.goBack();
    await eventually(() => page.url().endsWith('healthz'), 'the page before');
  });

  it('limits of plots, overlays and regions are said', async () => {
    const { page, address } = await start();
    const said = (text: string): Promise<unknown> =>
      eventually(async () => (await page.locator('.notices').textContent()) === text, text);
    await page.goto(`${address}#/e1?${Array.from({ length: 16 }, () => 'p=tof').join('&')}`);
    await eventually(async () => (await page.locator('.plot').count()) === 16, '16 plots');
    await page.locator('.row[data-name="scalers"] .row-add').click();
    await said('A board has at most 16 plots: remove one first.');
    expect(await page.locator('.plot').count()).to.equal(16);
    const overlaid = Array.from({ length: 7 }, () => 'tof').join(',');
    await page.goto(`${address}#/e1?p=adc.raw,${overlaid}`);
    await eventuallyDrawn(page, 1);
    await page.locator('.row[data-name="scalers"]').click({ modifiers: ['Shift'] });
    await said('A plot shows at most 8 spectra.');
    const regions = Array.from({ length: 16 }, (_, at) => `;g=R${at},0,${at + 10}-${at + 20}`).join('');
    await page.goto(`${address}#/e1?p=tof${regions}`);
    await eventually(async () => (await page.locator('.region').count()) === 16, '16 regions');
    const hash = await hashOf(page);
    await page.keyboard.down('Shift');
    await dragged(page, await placeIn(page, 0, 0.5, 0.5), await placeIn(page, 0, 0.6, 0.5));
    await page.keyboard.up('Shift');
    await said('A plot has at most 16 regions: remove one first.');
    expect(await hashOf(page)).to.equal(hash);
  });
});
