/**
 * SpecTcl by hand in a real browser: its run in the header, zeroing that is asked, new spectra and
 * projections, and the record of changes. A second page sees what the first has changed.
 */
import { expect } from 'chai';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { eventually } from '../kit/eventually.js';
import { eventuallyDrawn } from './page-reading.js';
import { SECRET, startsPages, type PageSystem, type PageSystemOptions } from './page-system.js';

describe('SpecTcl by hand in the page', () => {
  const start = startsPages();

  async function signedIn(
    application: PageSystemOptions['application'] = { allowChanges: true },
  ): Promise<PageSystem> {
    const system = await start({ secret: true, application });
    await system.page.goto(`${system.address}#/e1?p=ge.00.Co-60&p=pid.alpha;j=x;k=gate,alpha`);
    await system.page.evaluate(`fetch('/sign-in', { method: 'POST', body: ${JSON.stringify(SECRET)} })`);
    await system.page.reload();
    await eventuallyDrawn(system.page, 2);
    return system;
  }

  const run = (page: Page) => page.locator('.run summary');

  async function choose(page: Page, item: string): Promise<void> {
    await run(page).click();
    await page.locator('.run button', { hasText: item }).click();
    await page.locator('dialog').waitFor();
  }

  async function sum(page: Page): Promise<number> {
    const text = await page.locator('.plot-foot').first().getAttribute('data-sum');
    return text === '' || text === null ? Number.NaN : Number(text);
  }

  async function axeFinds(page: Page): Promise<string[]> {
    if ((await page.evaluate('window.axe === undefined')) === true) await page.evaluate(axe.source);
    const found = (await page.evaluate('axe.run(document)')) as { violations: { id: string }[] };
    return found.violations.map(({ id }) => id);
  }

  it('spectra are zeroed after the page has said how many counts go, and another page sees it', async () => {
    const system = await signedIn();
    const { page, address, simulator } = system;
    const other = await page.context().newPage();
    await other.goto(`${address}#/e1?p=ge.00.Co-60`);
    await eventuallyDrawn(other, 1);
    expect(await run(page).textContent()).to.match(/^Run 1 · Halted · .*Simulated run, no beam$/);
    await fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/start`);
    await eventually(async () => (await run(page).textContent())?.startsWith('Run 2 · Active'), 'run 2');
    await choose(page, 'Zero counts');
    await page.getByText(/^2 spectra lose their [\d,]+ counts/).waitFor();
    expect(await axeFinds(page)).to.deep.equal([]);
    await page.getByLabel('Which spectra').selectOption({ label: 'All spectra of e1' });
    await page.getByText(/^\d\d spectra lose their/).waitFor();
    await page.keyboard.press('Escape');
    expect(await sum(page)).to.be.above(0);
    await choose(page, 'Zero counts');
    await page.getByRole('button', { name: 'Zero', exact: true }).click();
    await page.locator('.notices', { hasText: 'SpecTcl has zeroed the spectra' }).waitFor();
    await eventually(async () => (await sum(page)) === 0, 'no counts in the page');
    await eventually(async () => (await sum(other)) === 0, 'no counts in the other page');
    await choose(page, 'Record of changes');
    await page.locator('.record tbody tr').nth(1).waitFor();
    expect(await axeFinds(page)).to.deep.equal([]);
    const cells = await page.locator('.record tbody td').allTextContents();
    expect(cells.slice(1, 3)).to.deep.equal(['page at 127.0.0.1', 'zero pid.alpha']);
    expect(system.problems).to.deep.equal([]);
  });

  it('a projection and a new spectrum become spectra of SpecTcl, and a refusal has its words', async () => {
    const system = await signedIn();
    const { page } = system;
    await page.locator('.plot .menu summary').nth(1).click();
    await page.locator('.menu-items button', { hasText: 'Make a spectrum of SpecTcl' }).click();
    await page.getByLabel('Name', { exact: true }).fill('alpha.de');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('12 spectra', { exact: true }).waitFor();
    await choose(page, 'New spectrum');
    await page.getByLabel('Name', { exact: true }).fill('alpha.de');
    await page.getByLabel('X parameter').fill('rf.tof');
    expect(await axeFinds(page)).to.deep.equal([]);
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('SpecTcl has refused it: command failed').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('tof.new');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('13 spectra', { exact: true }).waitFor();
    expect(system.problems.filter((problem) => !problem.includes('409'))).to.deep.equal([]);
  });

  it('where the application allows no changes nothing is zeroed, and the page says what is missing', async () => {
    const { page } = await signedIn({});
    const before = await sum(page);
    await choose(page, 'Zero counts');
    await page.getByRole('button', { name: 'Zero', exact: true }).click();
    await page.getByText('application e1 does not allow changes of its SpecTcl').waitFor();
    expect(await sum(page)).to.equal(before);
  });
});
