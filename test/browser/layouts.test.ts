/** Layouts in a real browser: kept on the server, shared by pages, shown as tabs. */
import { expect } from 'chai';
import { eventually } from '../kit/eventually.js';
import { openBrowser } from './browser.js';
import { SECRET, startsPages, type PageSystem } from './page-system.js';

describe('layouts of the page', () => {
  const start = startsPages();

  async function show({ page }: PageSystem): Promise<void> {
    await page.getByRole('button', { name: 'Layouts' }).click();
  }

  async function saveAs(system: PageSystem, name: string): Promise<void> {
    await show(system);
    await system.page.getByLabel('Name of the layout').fill(name);
    await system.page.locator('dialog button.primary').click();
  }

  const tab = ({ page }: PageSystem, name: string) => page.locator('.layouts .tab', { hasText: name });

  async function spectra({ page }: PageSystem): Promise<string[]> {
    return page.locator('.plot-title').allTextContents();
  }

  it('a layout is saved, opened by its tab, changed and removed; Back returns', async () => {
    const system = await start();
    const { page, address } = system;
    await page.goto(`${address}#/e1?p=tof&p=ge.00.Co-60`);
    await saveAs(system, 'day');
    await tab(system, 'day').waitFor();
    expect(await tab(system, 'day').getAttribute('aria-current')).to.equal('true');
    await page.goto(`${address}#/e1?p=adc.raw`);
    await saveAs(system, 'raw');
    await tab(system, 'raw').waitFor();
    await tab(system, 'day').click();
    await eventually(async () => (await spectra(system)).join() === 'tof,ge.00.Co-60', 'the layout is shown');
    await page.goBack();
    await eventually(async () => (await spectra(system)).join() === 'adc.raw', 'the page before');
    await tab(system, 'day').click();
    await eventually(async () => (await spectra(system)).length === 2, 'the layout is shown again');
    await page.locator('.plot').first().getByTitle('Remove').click();
    await tab(system, 'day').locator('.tab-changed:visible').waitFor();
    await show(system);
    expect(await page.getByLabel('Name of the layout').inputValue()).to.equal('day');
    await page.keyboard.press('Enter');
    await tab(system, 'day').locator('.tab-changed').waitFor({ state: 'hidden' });
    await show(system);
    await page.getByRole('button', { name: 'Remove day' }).click();
    await tab(system, 'day').waitFor({ state: 'detached' });
    expect(system.problems).to.deep.equal([]);
  });

  it('another browser has the same layouts at once', async () => {
    const system = await start();
    await system.page.goto(`${system.address}#/e1?p=tof`);
    const other = await openBrowser();
    try {
      const page = other.context.pages()[0]!;
      await page.goto(`${system.address}#/e1?p=adc.raw`);
      await saveAs(system, 'shared');
      await page.locator('.layouts .tab', { hasText: 'shared' }).click();
      await eventually(
        async () => (await page.locator('.plot-title').allTextContents()).join() === 'tof',
        'the layout is shown in the other browser',
      );
    } finally {
      await other.close();
    }
  });

  it('where the viewer has a secret, keeping a layout needs signing in', async () => {
    const system = await start({ secret: true });
    const { page, address } = system;
    await page.goto(`${address}#/e1?p=tof`);
    await saveAs(system, 'day');
    await page.locator('.notices', { hasText: 'sign in to keep' }).waitFor();
    expect(await page.locator('.layouts .tab').count()).to.equal(0);
    await page.evaluate(`fetch('/sign-in', { method: 'POST', body: ${JSON.stringify(SECRET)} })`);
    await saveAs(system, 'day');
    await tab(system, 'day').waitFor();
  });

  it('on a phone the menu of a plot opens the layouts', async () => {
    const system = await start({ width: 390, height: 844 });
    const { page, address } = system;
    await page.goto(`${address}#/e1?p=tof`);
    await page.locator('.plot .menu summary').click();
    await page.getByRole('button', { name: 'Layouts …' }).click();
    await page.getByLabel('Name of the layout').fill('phone');
    await page.locator('dialog button.primary').click();
    await tab(system, 'phone').waitFor();
  });

  it('the bare address restores the plots of the last time', async () => {
    const system = await start();
    const { page, address } = system;
    await page.goto(`${address}#/e1?p=adc.raw&p=tof;s=log`);
    await page.locator('.plot').nth(1).waitFor();
    await page.goto('about:blank');
    await page.goto(address);
    await eventually(async () => (await spectra(system)).join() === 'adc.raw,tof', 'the plots are restored');
    expect(page.url()).to.include('tof;s=log');
  });

  it('the bare address does not restore an application that has ended', async () => {
    const system = await start();
    const { page, address } = system;
    await page.goto(address);
    await page.locator('.plot').first().waitFor();
    await page.evaluate("localStorage.setItem('mirrorflow-address', '#/gone?p=tof')");
    await page.goto('about:blank');
    await page.goto(address);
    await eventually(() => page.url().includes('#/e1'), 'the running application is shown');
  });
});
