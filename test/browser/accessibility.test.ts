/**
 * The page for everybody: axe-core finds nothing on any page and in any state, light and dark, on a
 * phone and on a screen; the focus survives every change; everything is reached by the keyboard.
 */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { eventually } from '../kit/eventually.js';
import { startsPages } from './page-system.js';
import { violationsOn } from './axe-violations.js';
import { eventuallyDrawn, eventuallyHash, hashOf, HEIGHTS, WIDTHS } from './page-reading.js';

async function focused(page: Page): Promise<string> {
  return String(
    await page.evaluate(
      "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''",
    ),
  );
}

async function pressUntil(page: Page, key: string, label: RegExp): Promise<void> {
  await eventually(async () => {
    await page.keyboard.press(key);
    return label.test(await focused(page));
  }, `the focus on ${label}`);
}

describe('the page for everybody', function () {
  // Axe looks at sixteen states of the page.
  this.timeout(400_000);
  const start = startsPages();

  for (const dark of [false, true]) {
    it(`axe finds nothing on any page and in any state, at every width (${dark ? 'dark' : 'light'})`, async () => {
      const { page, address, simulator, system } = await start({ dark, secret: true });
      const found: Record<string, string[]> = {};
      await page.goto(`${address}#/e1?p=ge.00.Co-60;g=A,0,200-300,gauss.1.1&p=pid.alpha&p=no-such-spectrum`);
      await page.locator('.plot[data-sequence]:not([data-sequence=""])').first().waitFor();
      await eventually(async () => (await page.locator('.fit-text').count()) === 1, 'a fit');
      await page.locator('.plot').first().focus();
      await page.keyboard.press('ArrowRight');
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: HEIGHTS[width] });
        found[`spectra, ${width} px`] = await violationsOn(page);
      }
      await page.locator('.menu summary').first().click();
      found['menu'] = await violationsOn(page);
      await page.getByRole('button', { name: 'Find peaks' }).click();
      await page.locator('.peaks table').waitFor();
      found['peaks'] = await violationsOn(page);
      await page.locator('.menu summary').first().click();
      await page.getByRole('button', { name: 'Calibrate …' }).click();
      found['calibration'] = await violationsOn(page);
      await page.getByRole('button', { name: 'Close' }).click();
      await page.locator('.plot').first().focus();
      await page.keyboard.press('?');
      await page.locator('dialog').waitFor();
      found['help'] = await violationsOn(page);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Sign in' }).click();
      found['sign in'] = await violationsOn(page);
      await page.keyboard.press('Escape');
      await page
        .locator('.plot')
        .first()
        .getByRole('button', { name: /^Remove the plot/ })
        .click();
      found['a notice'] = await violationsOn(page);
      await page.locator('.list input').fill('zzz');
      found['nothing found'] = await violationsOn(page);
      await page.goto(`${address}#/-/network/e1`);
      await page.getByRole('button', { name: /^Flow spectra/ }).click();
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: HEIGHTS[width] });
        await page.locator('.network-picture svg').waitFor();
        found[`network, ${width} px`] = await violationsOn(page);
      }
      await simulator.close();
      await page.goto(`${address}#/e1?p=tof`);
      await page.locator('.pill[data-state="stale"]').waitFor();
      found['stale'] = await violationsOn(page);
      await system.host.stop('e1');
      await page.locator('.pill[data-state="stopped"]').waitFor();
      found['stopped'] = await violationsOn(page);
      expect(found).to.deep.equal(Object.fromEntries(Object.keys(found).map((name) => [name, []])));
    });
  }

  it('each page has one heading of the first level, and no control contains another', async () => {
    const { page, address } = await start();
    for (const hash of ['#/e1?p=tof;g=A,0,200-300&p=pid.alpha', '#/-/network/e1']) {
      await page.goto(address + hash);
      await page.locator('.plot, .network-picture svg').first().waitFor();
      expect(await page.locator('h1').count(), hash).to.equal(1);
      const nested = await page.evaluate(
        "[...document.querySelectorAll('button, a, select, summary, [role=option], [role=button]')].filter((control) => control.querySelector('button, a, input, select, [tabindex]')).map((control) => control.outerHTML)",
      );
      expect(nested, hash).to.deep.equal([]);
    }
  });

  it('the focus stays on what was used when bars, tables and pictures change', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=ge.00.Co-60;g=A,0,200-300&p=tof`);
    await eventuallyDrawn(page, 2);
    const stays = async (what: string): Promise<void> => {
      await page.locator('.pill[data-state="live"]').waitFor();
      expect(await focused(page)).to.equal(what);
    };
    const scale = page.getByLabel('Scale of counts').first();
    await scale.focus();
    await scale.selectOption('log');
    await eventuallyHash(page, /s=log/);
    await stays('Scale of counts');
    const fit = page.getByLabel('Fit of region A');
    await fit.focus();
    await fit.selectOption('gauss');
    await page.getByLabel('Background of region A').waitFor();
    await stays('Fit of region A');
    const name = page.getByLabel('Name of the region');
    await name.focus();
    await name.fill('line');
    await name.press('Enter');
    await page.locator('[data-region="line"]').waitFor();
    await stays('Name of the region');
    await page.getByLabel('Remove region line').focus();
    await page.keyboard.press('Enter');
    await eventuallyHash(page, /^[^g]*p=ge\.00\.Co-60;s=log&/);
    await eventually(async () => (await focused(page)).startsWith('Plot of ge'), 'the focus on the plot');
    await page.locator('.menu summary').first().focus();
    await page.keyboard.press('Enter');
    await pressUntil(page, 'Tab', /^Move right$/);
    await page.keyboard.press('Enter');
    await eventuallyHash(page, '#/e1?p=tof&p=ge.00.Co-60;s=log');
    await stays('More for the plot of ge.00.Co-60');
    await page.getByRole('button', { name: 'Remove the plot of tof' }).focus();
    await page.keyboard.press('Enter');
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60;s=log');
    await stays('Plot of ge.00.Co-60');
    await page.keyboard.press('n');
    const flow = page.getByRole('button', { name: /^Flow spectra/ });
    await flow.focus();
    await page.evaluate("window.pictureBefore = document.querySelector('.network-picture svg')");
    await eventually(() => page.evaluate('!window.pictureBefore.isConnected'), 'another picture');
    expect(await focused(page)).to.match(/^Flow spectra/);
  });

  it('the keyboard alone searches, shows, overlays, marks, fits, saves, undoes and removes', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=scalers`);
    await eventuallyDrawn(page, 1);
    await page.keyboard.press('/');
    await page.keyboard.type('ge.00');
    await eventually(async () => (await page.locator('.row').count()) === 1, 'one spectrum');
    const search = page.getByRole('combobox', { name: 'Search spectra' });
    const option = await search.getAttribute('aria-activedescendant');
    expect(await page.locator(`#${option ?? ''}`).getAttribute('role')).to.equal('option');
    await page.keyboard.press('Enter');
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60');
    await page.keyboard.press('Escape');
    await page.keyboard.type('ge.02');
    await eventually(async () => (await page.locator('.row').count()) === 1, 'one spectrum');
    await page.keyboard.press('Shift+Enter');
    await eventuallyHash(page, '#/e1?p=ge.00.Co-60,ge.02.Cs-137');
    await pressUntil(page, 'Tab', /^Plot of/);
    for (const key of ['ArrowRight', 'r', 'ArrowRight', 'ArrowRight', 'r']) await page.keyboard.press(key);
    await eventuallyHash(page, /;g=A,0,/);
    await pressUntil(page, 'Tab', /^Fit of region A$/);
    await page.keyboard.press('ArrowDown');
    await eventuallyHash(page, /,gauss\.1\.1$/);
    await pressUntil(page, 'Shift+Tab', /^More for the plot/);
    await page.keyboard.press('Enter');
    await pressUntil(page, 'ArrowDown', /^Save as CSV$/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    expect(download.suggestedFilename()).to.match(/\.csv$/);
    await page.keyboard.press('Control+z');
    await eventually(async () => !(await hashOf(page)).includes('gauss'), 'no fit');
    await pressUntil(page, 'Tab', /^Remove the plot/);
    await page.keyboard.press('Enter');
    await eventuallyHash(page, '#/e1');
    await page.keyboard.press('Control+z');
    await eventuallyHash(page, /;g=A,0,/);
  });
});
