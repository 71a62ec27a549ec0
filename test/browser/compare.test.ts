/**
 * Comparing spectra in a real browser: comparisons, limits, palettes, projections within gates and
 * the counts since a moment, kept in the address, which a second page restores.
 */
import { expect } from 'chai';
import axe from 'axe-core';
import type { Locator, Page } from 'playwright-core';
import { eventually } from '../kit/eventually.js';
import { eventuallyDrawn, eventuallyHash, hashOf, placeIn } from './page-reading.js';
import { startsPages, type PageSystem } from './page-system.js';

describe('comparing spectra in the page', () => {
  const start = startsPages();

  async function choose(page: Page, item: string, plot = 0): Promise<void> {
    await page.locator('.plot .menu summary').nth(plot).click();
    await page.locator('.menu-items button', { hasText: item }).click();
  }

  async function axeFinds(page: Page): Promise<string[]> {
    if ((await page.evaluate('window.axe === undefined')) === true) await page.evaluate(axe.source);
    const found = (await page.evaluate('axe.run(document)')) as { violations: { id: string }[] };
    return found.violations.map(({ id }) => id);
  }

  const titles = (page: Page): Promise<string[]> => page.locator('.plot-title > span').allTextContents();

  async function type(field: Locator, value: string): Promise<void> {
    await field.fill(value);
    await field.press('Tab');
  }

  /** The pixels of the canvas of a plot, so that two drawings are compared. */
  async function picture(page: Page, plot = 0): Promise<string> {
    const canvases = "document.querySelectorAll('.plot canvas')";
    return String(await page.evaluate(`${canvases}[${plot}].toDataURL()`));
  }

  async function eventuallyOther(page: Page, before: string, plot = 0): Promise<void> {
    await eventually(async () => (await picture(page, plot)) !== before, 'the plot is drawn otherwise');
  }

  it('spectra are subtracted, by keyboard alone, and a second page restores it from the address', async () => {
    const system = await start();
    const { page, address } = system;
    await page.goto(`${address}#/e1?p=ge.00.Co-60,ge.02.Cs-137;x=100-400`);
    await eventuallyDrawn(page, 1);
    await page.locator('.plot .menu summary').focus();
    await page.keyboard.press('Enter');
    await page.locator('.menu-items button', { hasText: 'Compare' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Comparison').focus();
    await page.getByLabel('Comparison').selectOption('subtract');
    expect(await axeFinds(page)).to.deep.equal([]);
    await type(page.getByLabel('Factor of the second spectrum'), '2');
    await eventuallyHash(page, /;m=subtract~2$/);
    await page.keyboard.press('Escape');
    expect(await titles(page)).to.deep.equal(['ge.00.Co-60 − 2 × ge.02.Cs-137']);
    const other = await system.page.context().newPage();
    await other.goto(`${address}${await hashOf(page)}`);
    await eventuallyDrawn(other, 1);
    expect(await titles(other)).to.deep.equal(['ge.00.Co-60 − 2 × ge.02.Cs-137']);
    await other.locator('.plot').focus();
    await other.keyboard.press('ArrowRight');
    await eventually(
      async () => / = -?[\d.]+/.test((await other.locator('.plot-read').textContent()) ?? ''),
      'the difference at the cursor',
    );
    expect(system.problems).to.deep.equal([]);
  });

  it('limits, threshold, palette and a logarithmic x axis change the picture and the address', async () => {
    const { page, address, problems } = await start();
    await page.goto(`${address}#/e1?p=pid.alpha&p=tof`);
    await eventuallyDrawn(page, 2);
    let before = await picture(page);
    await choose(page, 'Scale and colours');
    await page.getByLabel('Palette').selectOption('magma');
    await eventuallyOther(page, before);
    before = await picture(page);
    await type(page.getByLabel('Hide channels below'), '2');
    await type(page.getByLabel('Highest count'), '50');
    await eventuallyOther(page, before);
    await eventuallyHash(page, /pid\.alpha;c=magma;l=~50;t=2&/);
    await type(page.getByLabel('Lowest count'), '60');
    await page.getByText('The lowest count is not below the highest').waitFor();
    expect(await axeFinds(page)).to.deep.equal([]);
    await page.getByRole('button', { name: 'Reset' }).click();
    await eventuallyHash(page, /p=pid\.alpha&p=tof$/);
    before = await picture(page, 1);
    await choose(page, 'Scale and colours', 1);
    await page.getByLabel('Logarithmic x axis').check();
    await eventuallyOther(page, before, 1);
    await eventuallyHash(page, /p=tof;e=log$/);
    expect(problems).to.deep.equal([]);
  });

  it('all plots have the scale and the range of one, as one step that undo takes back', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=ge.00.Co-60;s=log;x=100-400&p=ge.01.Eu-152&p=pid.alpha`);
    await eventuallyDrawn(page, 3);
    // The bins have come, which decide where the axes begin.
    await page.locator('.plot[data-gates="alpha"]').waitFor();
    const before = await hashOf(page);
    await choose(page, 'Same scale and range');
    const after = await eventuallyHash(page, /p=ge\.01\.Eu-152;s=log;x=199-799;l=~\d+&p=pid\.alpha$/);
    const [first, second] = [...after.matchAll(/l=~(\d+)/g)].map(([, high]) => high);
    expect(first).to.equal(second);
    await page.getByRole('button', { name: 'Undo' }).click();
    await eventuallyHash(page, before);
  });

  it('counts since a remembered moment are those that came in, also for another page', async () => {
    const system = await start();
    const { page, address, simulator } = system;
    await page.goto(`${address}#/e1?p=ge.00.Co-60`);
    await eventuallyDrawn(page, 1);
    const sum = async (of: Page): Promise<number> =>
      Number((await of.locator('.plot-foot').getAttribute('data-sum')) || Number.NaN);
    const all = await sum(page);
    expect(all).to.be.above(0);
    await choose(page, 'Remember this moment');
    await eventually(async () => (await sum(page)) === 0, 'no counts yet');
    simulator.step(1_000);
    const since = await eventually(async () => (await sum(page)) || undefined, 'the counts since then');
    expect(since).to.be.below(all);
    expect(await page.getByLabel('Counts', { exact: true }).inputValue()).to.equal('since');
    const other = await page.context().newPage();
    await other.goto(`${address}${await hashOf(page)}`);
    await eventually(async () => (await sum(other)) === since, 'the other page has the same difference');
    await other.goto('about:blank');
    await other.goto(`${address}#/e1?p=ge.00.Co-60;d=2020-01-01T00:00:00Z`);
    await other.getByText('are neither remembered nor recorded').waitFor();
    await choose(page, 'Show all counts');
    await eventually(async () => (await sum(page)) === all + since, 'all counts');
  });

  it('a map is projected within a gate and within a contour, as the titles say', async () => {
    const system: PageSystem = await start();
    const { page, address } = system;
    await page.goto(`${address}#/e1?p=pid.alpha`);
    await eventuallyDrawn(page, 1);
    await page.locator('.plot[data-gates="alpha"]').waitFor();
    await choose(page, 'Project within');
    await page.getByLabel('Within', { exact: true }).selectOption('alpha');
    expect(await axeFinds(page)).to.deep.equal([]);
    await page.getByRole('button', { name: 'Onto x' }).click();
    await eventuallyDrawn(page, 2);
    expect((await titles(page))[1]).to.equal('pid.alpha · onto x within gate alpha');
    const top = await page.locator('.plot-foot').nth(1).getAttribute('data-max');
    expect(Number(top)).to.be.above(0);
    await choose(page, 'Project within');
    await page.getByLabel('Within', { exact: true }).selectOption('');
    await page.getByLabel('Corners').fill('1,2 3');
    await page.getByRole('button', { name: 'Onto y' }).click();
    await page.getByText('at least 3 and at most 64 corners').waitFor();
    await page.getByLabel('Corners').fill('0,0 200,0 200,200 0,200');
    await page.getByRole('button', { name: 'Onto y' }).click();
    await eventuallyDrawn(page, 3);
    expect(await titles(page)).to.include('pid.alpha · onto y within a contour of 4 points');
    await page.goto('about:blank');
    await page.goto(`${address}#/e1?p=pid.alpha`);
    await eventuallyDrawn(page, 1);
    await choose(page, 'Project within');
    await page.getByLabel('Within', { exact: true }).selectOption('');
    await page.getByRole('button', { name: 'Draw it on the plot' }).click();
    await page.locator('.plot[data-drawing="true"]').waitFor();
    for (const [right, down] of [
      [0.1, 0.9],
      [0.9, 0.9],
      [0.5, 0.1],
    ] as const) {
      const { x, y } = await placeIn(page, 0, right, down);
      await page.mouse.click(x, y);
    }
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.getByRole('button', { name: 'Onto x' }).click();
    await eventuallyDrawn(page, 2);
    expect(await titles(page)).to.include('pid.alpha · onto x within a contour of 3 points');
    await page.goto('about:blank');
    await page.goto(`${address}#/e1?p=pid.alpha;j=x;k=gate,none`);
    await page.getByText('SpecTcl has no contour or band none').waitFor();
    expect(system.problems).to.deep.equal([]);
  });
});
