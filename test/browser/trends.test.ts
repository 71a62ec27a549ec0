/** Trends and alarms in a real browser: the strip, the plot over time, an alarm on two pages. */
import { expect } from 'chai';
import { eventually } from '../kit/eventually.js';
import { openBrowser } from './browser.js';
import { SECRET, startsPages, type PageSystem } from './page-system.js';
import { violationsOn } from './axe-violations.js';

describe('trends and alarms of the page', () => {
  const start = startsPages();

  const strip = ({ page }: PageSystem) => page.locator('.trend-strip .trend');
  const dialog = ({ page }: PageSystem) => page.locator('dialog.trends-dialog');

  /** From the menu of the plot: its first region, or the whole spectrum. */
  async function addTrend(system: PageSystem, name: string): Promise<void> {
    const { page } = system;
    await page.locator('.plot .menu summary').first().click();
    await page.getByRole('button', { name: 'Trends and alarms …' }).click();
    const form = page.getByRole('form', { name: 'New trend' });
    await form.getByLabel('Name').fill(name);
    await form.getByLabel('Thresholds').fill('10, 4000');
    await form.getByRole('button', { name: 'Add trend' }).click();
  }

  async function addAlarm({ page }: PageSystem, name: string, limit: string): Promise<void> {
    await page.locator('summary', { hasText: 'New alarm' }).click();
    const form = page.getByRole('form', { name: 'New alarm' });
    await form.getByLabel('Raise when').selectOption('below');
    await form.getByLabel('Limit').fill(limit);
    await form.getByLabel('Raise after').fill('0');
    await form.getByLabel('Name').fill(name);
    await form.getByRole('button', { name: 'Add alarm' }).click();
  }

  it('a region becomes a trend with thresholds; its alarm is on both pages and in the title, and is acknowledged', async () => {
    const system = await start();
    const { page, address, simulator } = system;
    await page.goto(`${address}#/e1?p=tof;g=A,0,500-900`);
    await page.locator('.plot[data-sequence]').first().waitFor();
    await addTrend(system, 'beam');
    await dialog(system).locator('.what', { hasText: 'rate of tof, channels 500 to 899' }).waitFor();
    await eventually(() => {
      simulator.step(500);
      return dialog(system).locator('.chart[data-trends="beam"] canvas').count();
    }, 'the plot of the trend is drawn');
    await eventually(async () => {
      simulator.step(500);
      const points = await dialog(system).locator('.chart').getAttribute('data-points');
      return Number(points) > 0;
    }, 'the plot has values');
    await strip(system).filter({ hasText: 'beam' }).waitFor();
    const other = await openBrowser();
    try {
      const second = other.context.pages()[0]!;
      await second.goto(`${address}#/e1?p=tof`);
      await second.locator('.trend-strip .trend', { hasText: 'beam' }).waitFor();
      await addAlarm(system, 'no beam', '1e9');
      await eventually(async () => {
        simulator.step(500);
        return (await second.title()).startsWith('⚠ 1 · ');
      }, 'the title of the other page has the alarm');
      await second.locator('.trends-button.raised').waitFor();
      await second.locator('.trend-strip .trend.raised').waitFor();
      expect(await violationsOn(page), 'axe on the dialog').to.deep.equal([]);
      expect(await violationsOn(second), 'axe on the strip').to.deep.equal([]);
      await page.getByLabel('Your name').fill('Eva');
      await page.getByRole('button', { name: 'Acknowledge no beam' }).click();
      await dialog(system).locator('.state', { hasText: 'acknowledged by Eva' }).waitFor();
      await eventually(async () => (await second.title()).startsWith('e1'), 'the title is calm again');
      expect(await second.locator('.trends-button.raised').count(), 'it is raised all the same').to.equal(1);
      await page.getByRole('button', { name: 'Remove no beam' }).click();
      await second.locator('.trends-button.raised').waitFor({ state: 'detached' });
    } finally {
      await other.close();
    }
    await page.getByRole('button', { name: 'Remove beam' }).click();
    await strip(system).waitFor({ state: 'detached' });
    expect(system.problems).to.deep.equal([]);
  });

  it('where the viewer has a secret, keeping a trend needs signing in; by keyboard alone it is kept', async () => {
    const system = await start({ secret: true });
    const { page, address } = system;
    await page.goto(`${address}#/e1?p=tof`);
    await page.locator('.plot[data-sequence]').first().waitFor();
    await addTrend(system, 'day');
    await page.locator('.notices', { hasText: 'sign in to keep' }).waitFor();
    await page.keyboard.press('Escape');
    await dialog(system).waitFor({ state: 'detached' });
    expect(await strip(system).count()).to.equal(0);
    await page.evaluate(`fetch('/sign-in', { method: 'POST', body: ${JSON.stringify(SECRET)} })`);
    await page.keyboard.press('a');
    await page.getByRole('form', { name: 'New trend' }).getByLabel('Name').focus();
    await page.keyboard.type('night');
    await page.keyboard.press('Enter');
    await strip(system).filter({ hasText: 'night' }).waitFor();
  });
});
